/**
 * The channel: memory that the hypervisor and hypberryd share, through which guests have their disks and their network, and the
 * host sees and directs them. What it means is in CHANNEL.md. The bodies of both import this file, so it holds nothing but constants. All that stands in
 * the channel are words of 32 bits, little-endian, at multiples of 4; offsets and sizes are in bytes.
 */

// --- the header, at the channel's beginning ----------------------------------------------------------------------

/** "HYPC" */
export const MAGIC = 0x4350_5948;
export const VERSION = 1;
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 4;
/** Bytes of the channel. */
export const HEADER_SIZE = 8;
/** How many ports there are; their records are from PORT_RECORDS on. */
export const HEADER_PORTS = 12;
/**
 * How many guests there are, whose records are from GUEST_RECORDS on. 0 where the hypervisor is of a release that has
 * neither those nor what they are about: the guests' states, the consoles' logs, DOORBELL_GUEST, DOORBELL_STATES and DOORBELL_CONSOLES.
 */
export const HEADER_GUESTS = 16;

// --- records of guests, in the page of the header: that of guest n, 1 and on, is the nth --------------------------

export const MOST_GUESTS = 7;
export const GUEST_RECORDS = 0x400;
export const GUEST_RECORD_SIZE = 128;
/** Its name: ASCII, filled up with 0, at least one. */
export const GUEST_NAME = 0;
export const GUEST_NAME_SIZE = 16;
/** Bytes of its memory; how many virtual CPUs it has. */
export const GUEST_MEMORY = GUEST_NAME + GUEST_NAME_SIZE;
export const GUEST_VCPUS = 20;
export const GUEST_FLAGS = 24;
/** It does not begin with the hypervisor: the host starts it. */
export const FLAG_NO_AUTOSTART = 1;

// --- what the host says of itself, in the page behind the header -------------------------------------------------

export const HOST_PAGE = 0x1000;
/** The program's version of the channel, VERSION; 0 where none has come yet. */
export const HOST_VERSION = 0;
/** Of what is said of the clock: odd while that is written, another even number each time it stands. */
export const HOST_TURN = 4;
/**
 * Its clock: seconds since 1970 (UTC), two words, 0 where it has no time; nanoseconds, and CNTVCT then, two words, 0 where
 * it may not read that.
 */
export const HOST_SECONDS = 8;
export const HOST_NANOSECONDS = 16;
export const HOST_COUNT = 24;
/** Random bytes for the guests, RANDOM_SIZE of them: 0 where it has none yet. */
export const HOST_RANDOM = 64;
export const RANDOM_SIZE = 64;
/** Of each console, by its number, a word: up to which count what it said has gone into the host's own log. */
export const HOST_LOGGED = 128;

// --- records of ports ----------------------------------------------------------------------------------------------

export const MOST_PORTS = 24;
export const PORT_RECORDS = 0x2000;
export const PORT_RECORD_SIZE = 512;

export const PORT_KIND = 0;
/** Frames from the host to all guests; there is one at most. */
export const KIND_UPLINK = 1;
/** Frames from a guest to the host. */
export const KIND_NETWORK = 2;
export const KIND_DISK = 3;
export const PORT_FLAGS = 4;
export const FLAG_READ_ONLY = 1;
/** Of a network card: it sees the host alone. */
export const FLAG_ISOLATED = 2;
/** The number of its guest, 1 and on; 0 of the uplink. */
export const PORT_GUEST = 8;
/** Where its ring, or the data of its requests, begins in the channel, and how large that is. */
export const PORT_DATA = 12;
export const PORT_DATA_SIZE = 16;
/** How large a disk's file is made that is not there, bytes, two words; 0 where it must be. */
export const PORT_DISK_SIZE = 20;
/** A network card's address: 6 bytes. */
export const PORT_MAC = 32;
/** A disk's number among its guest's, from 0 on. */
export const PORT_DISK_NUMBER = 40;
/** The guest's name and, of a disk, its path on the host: texts of UTF-8, each with a 0 behind it. */
export const PORT_GUEST_NAME = 64;
export const PORT_GUEST_NAME_SIZE = GUEST_NAME_SIZE;
export const PORT_PATH = 128;
export const PORT_PATH_SIZE = 256;
/**
 * Of a network card: ports of the host's that lead to its guest, FORWARD_SIZE bytes each: the protocol, as IPv4 has it, 0
 * behind the last; the host's port, in the upper half of a word, and the guest's.
 */
export const PORT_FORWARDS = 384;
export const MOST_FORWARDS = 16;
export const FORWARD_SIZE = 8;
export const FORWARD_PROTOCOL = 0;
export const FORWARD_PORTS = 4;
export const FORWARD_TCP = 6;
export const FORWARD_UDP = 17;

// --- control pages of ports: the hypervisor's, then the host's -----------------------------------------------------

/** Of port n: at CONTROL + n * CONTROL_SIZE what the hypervisor alone writes, HOST_CONTROL behind it what the host does. */
export const CONTROL = PORT_RECORDS + MOST_PORTS * PORT_RECORD_SIZE;
export const CONTROL_SIZE = 0x2000;
export const HOST_CONTROL = 0x1000;

// --- the guests' states: the hypervisor writes them when DOORBELL_STATES is rung -----------------------------------

export const STATES = CONTROL + MOST_PORTS * CONTROL_SIZE;
/** Of the hypervisor's console, number 0, and of each guest by its number: STATE_SIZE bytes at STATES + n * STATE_SIZE. */
export const STATE_SIZE = 64;
/** Of the console: bytes that were ever written to its log, modulo 2^32, and those that were sent and not read yet. */
export const STATE_LOGGED = 0;
export const STATE_UNREAD = 4;
/** Of the guest, from here on: odd while it is written, another even number each time it stands. */
export const STATE_TURN = 8;
/** What it does: one of those below. */
export const STATE_DOES = 12;
export const DOES_OFF = 1;
/** It waits for the host to serve its disks. */
export const DOES_WAIT = 2;
/** Its memory is made. */
export const DOES_BEGIN = 3;
export const DOES_RUN = 4;
/** It has crashed, and begins again after a pause. */
export const DOES_PAUSE = 5;
/** How many of its virtual CPUs are on; how often it has crashed. */
export const STATE_ON = 16;
export const STATE_CRASHES = 20;
/** Hundredths of a second that its virtual CPUs, together, have had cores since it was started. */
export const STATE_BUSY = 24;
/** Ticks of the system counter that have gone by since, two words. */
export const STATE_TICKS = 32;

// --- logs of consoles, by their numbers: byte n that was ever written is at n modulo LOG_SIZE ------------------------

export const LOGS = STATES + 0x1000;
export const LOG_SIZE = 0x1_0000;
/** Ticks of the system counter in a millisecond. */
export const TICKS_PER_MS = 19_200;
/** What was sent to a guest and not read yet may have so many bytes. */
export const UNREAD_SIZE = 0x1000;

/** The producer's count: requests, or bytes of a ring, that were ever put, modulo 2^32. */
export const PUT = 0;
/** The consumer's count: those that were ever taken. */
export const TAKEN = 4;
/** Of either: a bell is wanted when the other's count goes past this (as used_event and avail_event of virtio 1.2, 2.7.10). */
export const BELL_AT = 8;
/** The host's: 1 while it serves the port. */
export const OFFERED = 12;

// A disk's, of the hypervisor: PUT counts requests.
/** How often its guest has been started. */
export const GENERATION = 16;
// Of the host: TAKEN counts requests that are done.
/** How large the disk is, in sectors, two words. */
export const SECTORS = 16;
/** FLAG_READ_ONLY */
export const DISK_FLAGS = 24;
/** The generation in which writing to its medium has failed, 0 for none: all its requests of that one are errors. */
export const FAILED_GENERATION = 28;
/** Sectors that were ever read for the guest, and written, modulo 2^32. */
export const SECTORS_READ = 32;
export const SECTORS_WRITTEN = 36;

/** Requests of a disk, in the hypervisor's page: request n is in slot n modulo SLOTS. */
export const SLOTS = 64;
export const REQUESTS = 0x100;
export const REQUEST_SIZE = 32;
export const REQUEST_TYPE = 0;
/** The first sector, two words; how many. */
export const REQUEST_SECTOR = 8;
export const REQUEST_SECTORS = 16;
/** Where its data are: offset in the port's data, a multiple of 32. */
export const REQUEST_DATA = 20;
export const REQUEST_GENERATION = 24;
export const TYPE_READ = 0;
export const TYPE_WRITE = 1;
export const TYPE_FLUSH = 2;
export const TYPE_DISCARD = 3;
export const TYPE_WRITE_ZEROES = 4;
/** Their results, in the host's page, a word a slot. */
export const STATUSES = 0x100;
export const STATUS_OK = 0;
export const STATUS_ERROR = 1;
export const STATUS_UNSUPPORTED = 2;

/** Bytes of a sector, and the most of one request with data. */
export const SECTOR_SIZE = 512;
export const MOST_REQUEST = 0x4_0000;
/** Data of a disk's requests, together. */
export const DISK_DATA_SIZE = 0x8_0000;

// --- rings of frames -----------------------------------------------------------------------------------------------

// Of a network card, of the host.
/** Bytes of frames that it has brought to the card's address, and that it has taken from the card, two words each. */
export const BYTES_RECEIVED = 16;
export const BYTES_SENT = 24;
/** Such a count's lowest 32 bits are the first word, those from this one on the second; where it is not the same in both, the count is being written. */
export const BYTES_SHIFT = 31;

/**
 * Of a guest's network card, and of the uplink: powers of 2, and more than twice a record, so that the largest one fits an
 * empty ring wherever it begins.
 */
export const NETWORK_RING_SIZE = 0x4_0000;
export const UPLINK_RING_SIZE = 0x4_0000;
/** Of the uplink, of the hypervisor: what all guests take that have a network, bits as TUNSETOFFLOAD has them. */
export const OFFLOADS = 16;
export const OFFLOAD_CHECKSUM = 1;
export const OFFLOAD_TSO4 = 2;
export const OFFLOAD_TSO6 = 4;
/** A record begins at a multiple of it: a word with its length, then a virtio_net_hdr of 12 bytes, then the frame. */
export const RECORD_STEP = 32;
export const RECORD_HEADER = 4;
export const NET_HEADER_SIZE = 12;
/** The most bytes of a virtio_net_hdr and a frame: 64 KiB with what goes before it on the wire. */
export const MOST_FRAME = NET_HEADER_SIZE + 0x1_0000 + 64;
/** In place of a length: the ring goes on at its beginning. */
export const SKIP = 0xffff_ffff;

// --- the doorbell --------------------------------------------------------------------------------------------------

/** Physical address of the page that the host rings by: a word written at 4 * port. Nothing is there to be read. */
export const DOORBELL = 0x4002_0000;
/** Where it rings when it has set its clock, or has offered or withdrawn a port. */
export const DOORBELL_HOST = 0xffc;
/** Where it rings to have the guests' states written, and the consoles' counts: they stand when the write is done. */
export const DOORBELL_STATES = 0xff8;
/** Where it rings to have the consoles' counts written alone. */
export const DOORBELL_CONSOLES = 0xff0;
/** Where it tells a guest something: what, the guest's number and a byte that is sent, ORDER_…, OR-ed together. */
export const DOORBELL_GUEST = 0xff4;
export const ORDER_GUEST_SHIFT = 8;
export const ORDER_GUESTS = 0xff;
export const ORDER_BYTE = 0xff;
/** It begins, if it is off. */
export const ORDER_START = 0x1_0000;
/** Its power key is pressed. */
export const ORDER_POWER_KEY = 0x2_0000;
/** It is off from now on, whatever it does. */
export const ORDER_OFF = 0x3_0000;
/** A byte for its console. */
export const ORDER_SEND = 0x4_0000;
