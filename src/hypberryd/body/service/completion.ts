/** What completes commands and names of guests in bash: a file where bash-completion looks for those of the administrator. */
import { kernelPath, probe } from '../files.js';
import { ENOENT, O_NOFOLLOW, linux } from '../linux.js';
import { isAt, lengthOf, putText } from '../texts.js';
import { CONTENT, readWhole, replace } from './replace.js';

const FOLDER: string = '/etc/bash_completion.d';
export const COMPLETION: string = '/etc/bash_completion.d/hypberryd';
const BESIDE: string = '/etc/bash_completion.d/hypberryd.new';
/** What it begins with: by it, it is known as this program's. */
const MARK: string = '# Made by "hypberryd install"; "hypberryd uninstall" takes it away.\n';
const TEXT: string = `_hypberryd() {
  local words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='list info metrics log console start stop kill restart autostart install uninstall status'
  else
    case \${COMP_WORDS[1]} in
      info | log | console | start | stop | kill | restart | autostart)
        words=$(/usr/local/sbin/hypberryd list --names 2>/dev/null) ;;
    esac
    case \${COMP_WORDS[1]} in
      list) words='--json --names' ;;
      info) words="$words --json" ;;
      stop | restart) words="$words --timeout" ;;
      metrics) words=--file ;;
      install) words='--group --syslog' ;;
      autostart) words="$words --disable" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _hypberryd hypberryd
`;
const READABLE: i32 = 0o644;

/** Whether there is none, or this program's. */
function isOurs(): bool {
  const length = readWhole(COMPLETION, O_NOFOLLOW);
  return length == -ENOENT || (length >= lengthOf(MARK) && isAt(CONTENT, MARK));
}

/** Puts it there, if there is such a folder and nobody else's file; gives 0 or the error. */
export function installCompletion(): i32 {
  if (probe(FOLDER) != 0 || !isOurs()) return 0;
  const end = putText(putText(CONTENT, MARK), TEXT);
  return replace(COMPLETION, BESIDE, CONTENT, <u32>(end - CONTENT), READABLE);
}

/** Takes it away, if it is this program's; gives 0 or the error. */
export function uninstallCompletion(): i32 {
  if (!isOurs()) return 0;
  const error = -linux.unlink(kernelPath(COMPLETION));
  return error == ENOENT ? 0 : error;
}
