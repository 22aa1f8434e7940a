/** Answers who asks the service: a process for each, which may look and nothing else. */
import * as L from '../../shared/layout.js';
import {
  AF_UNIX,
  PR_SET_PDEATHSIG,
  SIGKILL,
  SOCK_SEQPACKET,
  SOL_SOCKET,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
} from '../../shared/linux.js';
import { NO_COMMAND, look } from '../guests/commands.js';
import { kernelPath } from '../files.js';
import { O_CLOEXEC, O_NONBLOCK, linux } from '../linux.js';
import { answerTo, beginError, beginMessage, endError, endMessage, endOutput, print } from '../output.js';
import { printReason } from '../reasons.js';
import { groupOf } from '../service/groups.js';
import { SOCKET_PATH, putSocketAddress } from '../service/socket.js';
import { FAILED } from '../statuses.js';
import { waitForCaller } from '../waiting.js';

/** Who is not answered at once waits: so many that ask, and so many that are answered. */
const WAITING: i32 = 16;
const MOST_ANSWERS: i32 = 4;
/** Seconds after which somebody who neither asks nor takes the answer is left. */
const PATIENCE: i32 = 2;
const ROOT_ALONE: i32 = 0o600;
const GROUP_TOO: i32 = 0o660;

@unmanaged
class Answers {
  socket: i32;
  /** How many processes answer. */
  count: i32;
}

// @inline
function answers(): Answers {
  return changetype<Answers>(<usize>(L.SUPERVISOR + 0x60));
}

/** Makes the socket; gives 0 or the error. */
function listen(group: usize): i32 {
  const socket = linux.socket(AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK, 0);
  if (socket < 0) return -socket;
  answers().socket = socket;
  const number = group == 0 ? 0 : groupOf(group);
  if (number < 0) return -number;
  const length = putSocketAddress(<usize>L.SCRATCH, SOCKET_PATH);
  linux.unlink(kernelPath(SOCKET_PATH));
  // Nobody connects before the mode is that of the socket itself.
  let result = linux.fchmod(socket, ROOT_ALONE);
  if (result == 0) result = linux.bind(socket, <usize>L.SCRATCH, length);
  if (result == 0 && group != 0) {
    result = linux.chown32(kernelPath(SOCKET_PATH), 0, number);
    if (result == 0) result = linux.chmod(kernelPath(SOCKET_PATH), GROUP_TOO);
  }
  if (result == 0) result = linux.listen(socket, WAITING);
  return -result;
}

/** Has the service be asked from now on; where that cannot be, it says so and serves all the same. */
export function beginAnswers(group: usize): void {
  const error = listen(group);
  if (error == 0) {
    waitForCaller(answers().socket);
    return;
  }
  beginMessage();
  print('only root can look at guests here, as ');
  print(SOCKET_PATH);
  print(' could not be made: ');
  printReason(error);
  print('.');
  endMessage();
}

/** Nobody is answered any more. */
export function endAnswers(): void {
  linux.unlink(kernelPath(SOCKET_PATH));
}

/** Descriptors that who answers or serves does not keep. */
export function closeAnswers(): void {
  linux.close(answers().socket);
}

/** Makes the vector of arguments of a question; gives how many there are, the program's name counted, 0 for none. */
function readQuestion(length: i32): i32 {
  const vector = <usize>L.QUESTION_ARGUMENTS;
  let count: i32 = 1;
  let begin: i32 = 0;
  for (let i: i32 = 0; i < length; i++) {
    if (load<u8>(<usize>(L.QUESTION + i)) != 0) continue;
    if (count == L.QUESTION_WORDS) return 0;
    store<usize>(vector + 4 * <usize>count, <usize>(L.QUESTION + begin));
    count++;
    begin = i + 1;
  }
  return begin == length && count > 1 ? count : 0;
}

/** The whole life of a process that answers; gives its exit status. */
function answer(caller: i32): i32 {
  linux.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  closeAnswers();
  store<i32>(<usize>L.SCRATCH, PATIENCE);
  store<i32>(<usize>L.SCRATCH, 0, 4);
  linux.setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, <usize>L.SCRATCH, 8);
  linux.setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, <usize>L.SCRATCH, 8);
  const count = readQuestion(linux.read(caller, <usize>L.QUESTION, L.QUESTION_SIZE));
  answerTo(caller);
  let status = count == 0 ? NO_COMMAND : look(count, <usize>L.QUESTION_ARGUMENTS, false);
  if (status == NO_COMMAND) {
    beginError();
    print('That is nothing that the service answers.');
    endError('ask.question', '"hypberryd --help" says what there is.');
    status = FAILED;
  }
  endOutput();
  store<u8>(<usize>L.SCRATCH, 0);
  store<u8>(<usize>L.SCRATCH, status, 1);
  linux.write(caller, <usize>L.SCRATCH, 2);
  return status;
}

/** Lets who asks in: a process of its own answers. */
export function takeCaller(): void {
  const it = answers();
  const caller = linux.accept4(it.socket, 0, 0, O_CLOEXEC);
  if (caller < 0) return;
  endOutput();
  const process = linux.fork();
  if (process == 0) linux.exit_group(answer(caller));
  linux.close(caller);
  if (process > 0 && ++it.count == MOST_ANSWERS) waitForCaller(-1);
}

/** One that answered has ended. */
export function buryAnswer(): void {
  const it = answers();
  if (it.count > 0) it.count--;
  waitForCaller(it.socket);
}
