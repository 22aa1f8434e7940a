/** Files, by their paths. */
import * as L from '../shared/layout.js';
import { EINTR, O_CLOEXEC, O_RDONLY, linux } from './linux.js';

/** A path as the kernel takes it: ASCII, a 0 behind it. It stands until the next one. */
function kernelPath(path: string): usize {
  const from = changetype<usize>(path);
  const length: usize = path.length;
  for (let i: usize = 0; i < length; i++) store<u8>(<usize>L.PATH + i, load<u8>(from + (i << 1)));
  store<u8>(<usize>L.PATH + length, 0);
  return <usize>L.PATH;
}

/** Whether a file or folder can be opened: 0, or the error, negated. */
export function probe(path: string): i32 {
  let file: i32;
  do file = linux.open(kernelPath(path), O_RDONLY | O_CLOEXEC, 0);
  while (file == -EINTR);
  if (file < 0) return file;
  linux.close(file);
  return 0;
}
