/** hypberryd where LibreELEC runs: lines of its autostart.sh, between marks, and the program beside it. */
import * as L from '../../shared/layout.js';
import { SYSLOG, said } from '../arguments.js';
import { kernelPath, probe } from '../files.js';
import { EINVAL, ENOENT, O_NOFOLLOW, linux } from '../linux.js';
import { print } from '../output.js';
import { DONE } from '../statuses.js';
import { CONTENT, OWN, modeOf, readWhole, replace } from './replace.js';
import { sayFailed, sayForeign } from './says.js';
import { isAt, lengthOf, putText } from '../texts.js';

/** Where LibreELEC has its user's settings; other systems have no such folder. */
const SETTINGS: string = '/storage/.config';
const PROGRAM: string = '/storage/.config/hypberryd';
const PROGRAM_BESIDE: string = '/storage/.config/hypberryd.new';
const SCRIPT: string = '/storage/.config/autostart.sh';
const SCRIPT_BESIDE: string = '/storage/.config/autostart.sh.new';
const EXECUTABLE: i32 = 0o755;

/** Around lines of this program's in files of others. */
export const BEGIN: string = '# hypberryd begins; "hypberryd uninstall" takes these lines away.\n';
export const END: string = '# hypberryd ends.\n';
/** Exit status 2 says that it cannot be, 0 that it was told to end. */
const LINES: string = `(while :; do
  /storage/.config/hypberryd run`;
const MORE_LINES: string = `
  case $? in 0 | 2) break ;; esac
  sleep 2
done) &
`;
const SYSLOG_OPTION: string = ' --syslog';
/** Where all of them are put together. */
const LINES_AT: usize = <usize>L.SCRATCH;
const LINE_FEED: u8 = 0x0a;

/** Whether this system has a folder as LibreELEC has it. */
export function isLibreElec(): bool {
  return probe(SETTINGS) == 0;
}

/** Where a text stands in CONTENT, from an offset on, at a line's beginning; -1 where it does not. */
function find(text: string, from: i32, length: i32): i32 {
  for (let at = from; at + lengthOf(text) <= length; at++) {
    const isLine = at == 0 || load<u8>(CONTENT + at - 1) == LINE_FEED;
    if (isLine && isAt(CONTENT + at, text)) return at;
  }
  return -1;
}

/** Takes the lines out of CONTENT; gives its length then, or -EINVAL where a mark is without the other. */
export function withoutLines(length: i32): i32 {
  const begin = find(BEGIN, 0, length);
  if (begin < 0) return length;
  const end = find(END, begin, length);
  if (end < 0) return -EINVAL;
  const behind = end + lengthOf(END);
  memory.copy(CONTENT + begin, CONTENT + behind, length - behind);
  return length - (behind - begin);
}

/** Puts the option of `run` that it is installed with, if it is; gives what is behind it. */
export function putSyslog(at: usize): usize {
  return (said().options & SYSLOG) == 0 ? at : putText(at, SYSLOG_OPTION);
}

/** Puts the lines into CONTENT, behind a first line that says what runs it; gives its length then. */
function withLines(length: i32): i32 {
  let at: i32 = 0;
  if (isAt(CONTENT, '#!')) while (at < length) if (load<u8>(CONTENT + at++) == LINE_FEED) break;
  // A last line without its end stays the last.
  if (at > 0 && load<u8>(CONTENT + at - 1) != LINE_FEED) at = 0;
  const behind = putText(putSyslog(putText(putText(LINES_AT, BEGIN), LINES)), MORE_LINES);
  const more = <i32>(putText(behind, END) - LINES_AT);
  memory.copy(CONTENT + at + more, CONTENT + at, length - at);
  memory.copy(CONTENT + at, LINES_AT, more);
  return length + more;
}

/** The script without the lines, in CONTENT: its length, 0 where there is none, or the error, negated. */
function readScript(): i32 {
  const length = readWhole(SCRIPT, O_NOFOLLOW);
  if (length == -ENOENT) return 0;
  return length < 0 ? length : withoutLines(length);
}

/** Installs program and lines, or newer ones; gives the exit status. */
export function installForLibreElec(): i32 {
  let length = readWhole(SCRIPT, O_NOFOLLOW);
  const isOurs = length > 0 && find(BEGIN, 0, length) >= 0;
  // Who has made the program's file without the lines was not this.
  if (!isOurs && probe(PROGRAM) != -ENOENT) return sayForeign(PROGRAM);
  length = readScript();
  if (length < 0) return sayFailed(SCRIPT, -length);
  length = withLines(length);
  let error = replace(SCRIPT, SCRIPT_BESIDE, CONTENT, length, modeOf(SCRIPT, EXECUTABLE));
  if (error != 0) return sayFailed(SCRIPT, error);
  const own = readWhole(OWN, 0);
  if (own < 0) return sayFailed(OWN, -own);
  error = replace(PROGRAM, PROGRAM_BESIDE, CONTENT, own, EXECUTABLE);
  if (error != 0) return sayFailed(PROGRAM, error);
  print('hypberryd is installed as ');
  print(PROGRAM);
  print(', and starts with the system, by autostart.sh. Start the system again.\n');
  return DONE;
}

/** Whether the lines are there. */
export function isInstalledForLibreElec(): bool {
  const length = readWhole(SCRIPT, O_NOFOLLOW);
  return length > 0 && find(BEGIN, 0, length) >= 0;
}

/** Takes away what installForLibreElec has made; gives the exit status. */
export function uninstallForLibreElec(): i32 {
  const length = readScript();
  if (length < 0) return sayFailed(SCRIPT, -length);
  let error = -linux.unlink(kernelPath(PROGRAM));
  if (error != 0 && error != ENOENT) return sayFailed(PROGRAM, error);
  // A script of these lines alone was made for them.
  if (length == 0) error = -linux.unlink(kernelPath(SCRIPT));
  else error = replace(SCRIPT, SCRIPT_BESIDE, CONTENT, length, modeOf(SCRIPT, EXECUTABLE));
  if (error != 0) return sayFailed(SCRIPT, error);
  print('hypberryd does not start with this system any more; it runs until the system is started again.\n');
  return DONE;
}
