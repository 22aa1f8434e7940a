/** Files, by their paths. */
import * as L from '../shared/layout.js';
import { EINTR, O_CLOEXEC, O_RDONLY, linux } from './linux.js';
import { putText } from './texts.js';

/** A path as the kernel takes it: ASCII, a 0 behind it. It stands until the next one. */
export function kernelPath(path: string): usize {
  store<u8>(putText(<usize>L.PATH, path), 0);
  return <usize>L.PATH;
}

/**
 * Opens a file, again where a signal came in between.
 * @param path as the kernel takes it
 * @returns the descriptor, or the error, negated
 */
export function openFile(path: usize, flags: i32, mode: i32): i32 {
  let file: i32;
  do file = linux.open(path, flags, mode);
  while (file == -EINTR);
  return file;
}

/** Whether a file or folder can be opened: 0, or the error, negated. */
export function probe(path: string): i32 {
  const file = openFile(kernelPath(path), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return file;
  linux.close(file);
  return 0;
}

/** Reads a file's beginning; gives how many bytes that were, or the error, negated. */
export function readBeginning(path: string, to: usize, most: i32): i32 {
  const file = openFile(kernelPath(path), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return file;
  let count: i32;
  do count = linux.read(file, to, most);
  while (count == -EINTR);
  linux.close(file);
  return count;
}
