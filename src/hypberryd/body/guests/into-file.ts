/** `--file`: results go into a file, which is there whole or not at all. */
import * as L from '../../shared/layout.js';
import { openFile } from '../files.js';
import { ENAMETOOLONG, O_CLOEXEC, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY, linux } from '../linux.js';
import { endOutput } from '../output.js';
import { sayFailedAt } from '../service/says.js';
import { DONE } from '../statuses.js';
import { putBytes, putText } from '../texts.js';

const RESULTS: i32 = 1;
const READABLE: i32 = 0o644;
const SUFFIX: string = '.new';
/** What is put behind a path, and its 0. */
const MORE: usize = 8;

/** The path beside another one, where it is written first, as the kernel takes it. */
function beside(path: usize): usize {
  const end = putText(putBytes(<usize>L.PATH, path), SUFFIX);
  store<u8>(end, 0);
  return <usize>L.PATH;
}

/** Has results go into a file from now on; gives DONE, else the exit status, having said why. */
export function beginFile(path: usize): i32 {
  let length: usize = 0;
  while (load<u8>(path + length) != 0) length++;
  let file: i32 = -ENAMETOOLONG;
  if (length + MORE < <usize>L.PATH_SIZE)
    file = openFile(beside(path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, READABLE);
  if (file < 0) return sayFailedAt(path, -file, 'metrics.file');
  linux.fchmod(file, READABLE);
  linux.dup3(file, RESULTS, 0);
  linux.close(file);
  return DONE;
}

/** Puts the file in its place if all is in it, else takes it away; gives the exit status. */
export function endFile(path: usize, status: i32): i32 {
  let error: i32 = 0;
  if (endOutput() == 0 && status == DONE) {
    error = -linux.rename(beside(path), path);
    if (error == 0) return DONE;
  }
  linux.unlink(beside(path));
  return error == 0 ? status : sayFailedAt(path, error, 'metrics.file');
}
