/** Other programs of this system's, run to their end. */
import * as L from '../shared/layout.js';
import { kernelPath, openFile } from './files.js';
import { EINTR, O_CLOEXEC, O_WRONLY, linux } from './linux.js';
import { endOutput } from './output.js';

/** Words with blanks between them, a 0 behind, that a program is called by; then what it reads. */
export const COMMAND: usize = <usize>L.TEXTS;
export const INPUT: usize = COMMAND + 0x200;
const ARGUMENTS: usize = COMMAND + 0x100;
/** What it writes, and how much of that is kept. */
export const OUTPUT: usize = <usize>L.BUFFER;
const OUTPUT_SIZE: i32 = 0x1_0000;

/** Two pipes: to it and from it; where each is read and written. */
const PIPES: usize = <usize>L.SCRATCH;
const BLANK: u8 = 0x20;
/** How a program that is not there is said to have ended. */
const NOT_FOUND: i32 = 127;

/** Becomes the program of COMMAND. */
function become(path: string, isQuiet: bool): void {
  linux.dup3(load<i32>(PIPES), 0, 0);
  if (isQuiet) {
    linux.dup3(load<i32>(PIPES, 12), 1, 0);
    linux.dup3(openFile(kernelPath('/dev/null'), O_WRONLY | O_CLOEXEC, 0), 2, 0);
  }
  let argument = ARGUMENTS;
  store<usize>(argument, COMMAND);
  for (let at = COMMAND; load<u8>(at) != 0; at++) {
    if (load<u8>(at) != BLANK) continue;
    store<u8>(at, 0);
    argument += 4;
    store<usize>(argument, at + 1);
  }
  // An empty environment: its end is that of the arguments.
  store<usize>(argument, 0, 4);
  linux.execve(kernelPath(path), ARGUMENTS, argument + 4);
  linux.exit_group(NOT_FOUND);
}

/**
 * Runs the program of COMMAND to its end; it reads INPUT.
 * @param length bytes of INPUT, which a pipe has room for
 * @param isQuiet what it says stands at OUTPUT, a 0 behind it, and its errors nowhere; else all goes where this program's goes
 * @returns whether it has ended well
 */
export function execute(path: string, length: i32, isQuiet: bool): bool {
  if (linux.pipe2(PIPES, O_CLOEXEC) < 0 || linux.pipe2(PIPES + 8, O_CLOEXEC) < 0) return false;
  linux.write(load<i32>(PIPES, 4), INPUT, length);
  endOutput();
  const child = linux.fork();
  if (child == 0) become(path, isQuiet);
  const from = load<i32>(PIPES, 8);
  linux.close(load<i32>(PIPES));
  linux.close(load<i32>(PIPES, 4));
  linux.close(load<i32>(PIPES, 12));
  let kept: i32 = 0;
  let count: i32 = -EINTR;
  while (count > 0 || count == -EINTR) {
    // What there is no room for is read over the last of it.
    if (kept == OUTPUT_SIZE) kept -= 0x1000;
    count = linux.read(from, OUTPUT + kept, OUTPUT_SIZE - kept);
    if (count > 0) kept += count;
  }
  store<u8>(OUTPUT + kept, 0);
  linux.close(from);
  let ended: i32;
  do ended = linux.wait4(child, <usize>L.SCRATCH, 0, 0);
  while (ended == -EINTR);
  return ended == child && load<i32>(<usize>L.SCRATCH) == 0;
}
