/** Numbers of Linux that hypberryd needs beside those of all programs; its body imports this file, too. */

// Signals (Linux, arch/arm/include/uapi/asm/signal.h); a set has one bit for each, the first for signal 1.
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGKILL = 9;
export const SIGPIPE = 13;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGTSTP = 20;
/** How rt_sigprocmask changes the set (include/uapi/asm-generic/signal-defs.h). */
export const SIG_BLOCK = 0;
export const SIGNAL_SET_SIZE = 8;
/** Bytes of struct signalfd_siginfo, whose first word is the signal (include/uapi/linux/signalfd.h). */
export const SIGNAL_INFO_SIZE = 128;

/** prctl: the signal that comes when the parent ends (include/uapi/linux/prctl.h). */
export const PR_SET_PDEATHSIG = 1;
/** wait4: any child; not to wait. */
export const ANY_CHILD = -1;
export const WNOHANG = 1;
/** poll: there is something to read (include/uapi/asm-generic/poll.h). */
export const POLLIN = 1;

/** Clocks (include/uapi/linux/time.h). */
export const CLOCK_REALTIME = 0;
/** timerfd_settime: by the clock's own time; a read fails, too, once that was set (include/uapi/linux/timerfd.h). */
export const TFD_TIMER_ABSTIME = 1;
export const TFD_TIMER_CANCEL_ON_SET = 2;
/** Bytes of its interval and its time, each seconds and nanoseconds; the last second that there is. */
export const TIMER_SIZE = 16;
export const TIMER_SECONDS = 8;
export const LAST_SECOND = 0x7fff_ffff;
export const CLOCK_MONOTONIC = 1;
export const GRND_NONBLOCK = 1;

// mmap2 (include/uapi/asm-generic/mman-common.h); O_SYNC (fcntl.h).
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PAGE = 4096;
export const O_SYNC = 0x10_1000;

// flock (include/uapi/asm-generic/fcntl.h).
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

// fallocate (include/uapi/linux/falloc.h).
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;
export const FALLOC_FL_ZERO_RANGE = 0x10;

// struct stat64 (arch/arm/include/uapi/asm/stat.h): where mode and size are; what of the mode says the kind.
export const STAT_MODE = 16;
export const STAT_SIZE = 48;
export const STAT_BYTES = 104;
export const S_IFMT = 0o17_0000;
export const S_IFREG = 0o10_0000;
export const S_IFBLK = 0o6_0000;
/** ioctl of a block device: its bytes, two words; the number has the size of a word of 32 bits (include/uapi/linux/fs.h). */
export const BLKGETSIZE64 = 0x8004_1272;

// Terminals (include/uapi/asm-generic/ioctls.h, termbits.h): struct termios has four words of flags, the line discipline
// and NCCS characters.
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
/** The same when all was written, and what was not read is thrown away; to throw that away alone. */
export const TCSETSF = 0x5404;
export const TCFLSH = 0x540b;
export const TCIFLUSH = 0;
export const TIOCEXCL = 0x540c;
export const TERMIOS_SIZE = 36;
export const TERMIOS_OFLAG = 4;
export const TERMIOS_CFLAG = 8;
export const TERMIOS_LFLAG = 12;
export const TERMIOS_CC = 17;
export const VTIME = 5;
export const VMIN = 6;
/** What a raw terminal has not (man 3 termios, cfmakeraw), of each word of flags. */
export const RAW_IFLAG = 0o2753;
export const RAW_OFLAG = 1;
export const RAW_CFLAG = 0o460;
export const RAW_LFLAG = 0o100113;
export const IGNBRK = 1;
export const IGNPAR = 4;
export const B115200 = 0x1002;
export const CS8 = 0x30;
export const CREAD = 0x80;
export const CLOCAL = 0x800;

// TAP devices (include/uapi/linux/if_tun.h). The kinds of offloads are those of the channel, OFFLOAD_….
export const TUNSETIFF = 0x4004_54ca;
export const TUNSETPERSIST = 0x4004_54cb;
export const TUNSETOFFLOAD = 0x4004_54d0;
export const TUNSETVNETHDRSZ = 0x4004_54d8;
export const IFF_TAP = 2;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;

// Network interfaces (include/uapi/linux/sockios.h, if.h, man 7 netdevice): struct ifreq has a name, then a union.
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCGIFADDR = 0x8915;
export const SIOCSIFADDR = 0x8916;
export const SIOCSIFNETMASK = 0x891c;
export const SIOCGIFHWADDR = 0x8927;
export const SIOCGIFINDEX = 0x8933;
export const IFREQ_SIZE = 32;
export const IFREQ_UNION = 16;
export const IFF_UP = 1;
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
/** In a struct sockaddr_in: port and address, in the network's order; in one of hardware: its address. */
export const SOCKADDR_PORT = 2;
export const SOCKADDR_ADDRESS = 4;
export const SOCKADDR_SIZE = 16;
export const SOCKADDR_MAC = 2;

// Sockets between processes (include/linux/socket.h, include/uapi/asm-generic/socket.h): their kind has O_CLOEXEC and
// O_NONBLOCK in it; times are a word of seconds, and one of microseconds. A struct sockaddr_un: the family, then the path.
export const AF_UNIX = 1;
export const SOCK_SEQPACKET = 5;
export const SOCKADDR_PATH = 2;
export const SOL_SOCKET = 1;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
