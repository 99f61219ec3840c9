# Completion of secureconn for bash: source it, or put it in
# /usr/share/bash-completion/completions/secureconn.
# Written by contrib/completion/generate from the table of commands; do not change it here.

_secureconn_peers() {
	sed -n 's/^\[peer[[:space:]]\{1,\}\([A-Za-z0-9._-]*\)\].*/\1/p' "$1" 2>/dev/null
}

_secureconn() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	local config=/etc/secureconn/secureconn.ini command= i options= words=
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c) config=${COMP_WORDS[++i]} ;;
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $before in
	--key | -c) COMPREPLY=($(compgen -f -- "$word")); return ;;
	esac
	case $command in
	"")
		COMPREPLY=($(compgen -W "init check run key peers verify trust revoke status doctor reload drain stop renew log -c --help --version" -- "$word"))
		return ;;
	init)
		options="--name --asymmetric"
		words="" ;;
	check)
		options="--json"
		words="" ;;
	run)
		options=""
		words="" ;;
	key)
		options="--json --identity --asymmetric --status --finish --now"
		words="export rotate" ;;
	peers)
		options="--json"
		words="" ;;
	verify)
		options=""
		words="$(_secureconn_peers "$config")" ;;
	trust)
		options="--key --fingerprint --again"
		words="$(_secureconn_peers "$config")" ;;
	revoke)
		options="--fingerprint --pending"
		words="$(_secureconn_peers "$config")" ;;
	status)
		options="--json --watch"
		words="" ;;
	doctor)
		options="--json"
		words="$(_secureconn_peers "$config")" ;;
	reload)
		options="--json"
		words="" ;;
	drain)
		options="--json"
		words="" ;;
	stop)
		options="--json"
		words="" ;;
	renew)
		options="--json"
		words="$(_secureconn_peers "$config")" ;;
	log)
		options="--json"
		words="error warning info debug" ;;
	esac
	COMPREPLY=($(compgen -W "$options --help $words" -- "$word"))
}

complete -F _secureconn secureconn
