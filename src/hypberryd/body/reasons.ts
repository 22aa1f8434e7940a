/** Why a system call failed, in words. */
import { EACCES, EBUSY, EISDIR, ENODEV, ENOENT, ENOSPC, ENOTDIR, ENXIO, EPERM, EROFS } from './linux.js';
import { print, printNumber } from './output.js';

/** Prints what an error's number means. */
export function printReason(error: i32): void {
  switch (error) {
    case EPERM:
      print('operation not permitted');
      break;
    case ENOENT:
      print('it is not there');
      break;
    case ENXIO:
    case ENODEV:
      print('there is no such device');
      break;
    case EACCES:
      print('permission denied');
      break;
    case EBUSY:
      print('it is in use');
      break;
    case ENOTDIR:
      print('what should be a folder is none');
      break;
    case EISDIR:
      print('it is a folder');
      break;
    case ENOSPC:
      print('no space is left');
      break;
    case EROFS:
      print('its file system is read-only');
      break;
    default:
      print('error ');
      printNumber(error);
  }
}
