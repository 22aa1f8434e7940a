/** Numbers of Linux that stand in system calls' arguments and results. */

/**
 * How files are opened. Four of them are Arm's own (Linux, arch/arm/include/uapi/asm/fcntl.h), the others are everybody's
 * (include/uapi/asm-generic/fcntl.h). Without O_LARGEFILE a file of 2 GiB or more is not opened, and none grows to that.
 */
export const OPEN_FLAGS = {
  ...{ O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2 },
  ...{
    O_CREAT: 0o100,
    O_EXCL: 0o200,
    O_NOCTTY: 0o400,
    O_TRUNC: 0o1000,
    O_APPEND: 0o2000,
    O_NONBLOCK: 0o4000,
  },
  ...{ O_DIRECTORY: 0o4_0000, O_NOFOLLOW: 0o10_0000, O_DIRECT: 0o20_0000, O_LARGEFILE: 0o40_0000 },
  O_CLOEXEC: 0o200_0000,
} as const;

/** Errors, as results have them negated (Linux, include/uapi/asm-generic/errno-base.h and errno.h). */
export const ERRORS = {
  ...{
    EPERM: 1,
    ENOENT: 2,
    EINTR: 4,
    EIO: 5,
    ENXIO: 6,
    EBADF: 9,
    ECHILD: 10,
    EAGAIN: 11,
    ENOMEM: 12,
    EACCES: 13,
  },
  ...{ EFAULT: 14, EBUSY: 16, EEXIST: 17, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, EMFILE: 24 },
  ...{ ENOTTY: 25, EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30, EPIPE: 32, ENAMETOOLONG: 36, ENOSYS: 38 },
  ...{ ENOTEMPTY: 39, ELOOP: 40, EOVERFLOW: 75, EOPNOTSUPP: 95, ECANCELED: 125 },
} as const;
