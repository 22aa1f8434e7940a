/** The lock of the service. */
import { kernelPath, openFile } from '../files.js';
import { ENOENT, O_CLOEXEC, O_NOFOLLOW } from '../linux.js';

const LOCK_MODE: i32 = 0o644;

/** Opens the lock, which the service holds while it runs. Its folder is gone when the system is started again. */
export function openLock(flags: i32): i32 {
  const file = openFile(kernelPath('/run/hypberryd.lock'), flags | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
  if (file != -ENOENT) return file;
  return openFile(kernelPath('/var/run/hypberryd.lock'), flags | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
}
