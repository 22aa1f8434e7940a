/**
 * Headers of packets, as they stand on the wire: offsets in bytes, numbers with the highest byte first. Ethernet: IEEE
 * 802.3; IPv4: RFC 791; UDP: RFC 768; DHCP: RFC 2131, 2132; DNS: RFC 1035. The body imports this file, too.
 */

export const ETHERNET_SOURCE = 6;
export const ETHERNET_TYPE = 12;
export const ETHERNET_SIZE = 14;
export const MAC_SIZE = 6;
export const TYPE_IPV4 = 0x0800;

/** In the first byte of a virtio_net_hdr: the checksum is left undone; its second byte: 0 for no row of segments (virtio 1.2, 5.1.6). */
export const NEEDS_CSUM = 1;
export const GSO_TYPE = 1;

/** Version 4, five words: what a header without options begins with. */
export const IP_BEGIN = 0x45;
export const IP_LENGTH = 2;
export const IP_FRAGMENT = 6;
/** More fragments, and where this one belongs: both 0 in a whole packet. Not to be taken apart. */
export const IS_FRAGMENT = 0x3fff;
export const DO_NOT_FRAGMENT = 0x4000;
export const IP_TTL = 8;
export const DEFAULT_TTL = 64;
export const IP_PROTOCOL = 9;
export const IP_CHECKSUM = 10;
export const IP_SOURCE = 12;
export const IP_DESTINATION = 16;
export const IP_SIZE = 20;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const LIMITED_BROADCAST = 0xffff_ffff;

export const UDP_SOURCE = 0;
export const UDP_DESTINATION = 2;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
export const UDP_SIZE = 8;
/** The most bytes of a datagram that no frame of 1500 is too short for. */
export const MOST_PAYLOAD = 1500 - IP_SIZE - UDP_SIZE;

// --- DHCP ----------------------------------------------------------------------------------------------------------

export const DHCP_SERVER = 67;
export const DHCP_CLIENT = 68;
/** 1 from a client, 2 from a server; then the kind of hardware, 1 for Ethernet, and the bytes of its addresses; relays. */
export const DHCP_OP = 0;
export const ETHERNET_REQUEST = 0x0101;
export const DHCP_HARDWARE_SIZE = 2;
export const DHCP_HOPS = 3;
export const DHCP_XID = 4;
export const DHCP_FLAGS = 10;
export const DHCP_BROADCAST = 0x8000;
/** Addresses: the client's own; the one it gets; a relay's; its card's. */
export const DHCP_CIADDR = 12;
export const DHCP_YIADDR = 16;
export const DHCP_GIADDR = 24;
export const DHCP_CHADDR = 28;
export const DHCP_COOKIE = 236;
export const MAGIC_COOKIE = 0x6382_5363;
export const DHCP_OPTIONS = 240;
/** What a client takes at least, and older ones want (RFC 1542, 2.1). */
export const DHCP_LEAST = 300;

export const OPTION_PAD = 0;
export const OPTION_MASK = 1;
export const OPTION_ROUTER = 3;
export const OPTION_NAME_SERVER = 6;
export const OPTION_HOST_NAME = 12;
export const OPTION_DOMAIN_NAME = 15;
export const OPTION_REQUESTED_ADDRESS = 50;
export const OPTION_LEASE_TIME = 51;
export const OPTION_MESSAGE_TYPE = 53;
export const OPTION_SERVER = 54;
/** It goes back to the client (RFC 6842). */
export const OPTION_CLIENT = 61;
export const OPTION_END = 255;

export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPDECLINE = 4;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPRELEASE = 7;
export const DHCPINFORM = 8;

// --- DNS -----------------------------------------------------------------------------------------------------------

export const DNS_PORT = 53;
export const DNS_FLAGS = 2;
export const DNS_RESPONSE = 0x8000;
export const DNS_OPCODE = 0x7800;
export const DNS_AUTHORITATIVE = 0x0400;
export const DNS_TRUNCATED = 0x0200;
export const DNS_RECURSION_DESIRED = 0x0100;
export const DNS_RECURSION_AVAILABLE = 0x0080;
export const DNS_QUESTIONS = 4;
export const DNS_ANSWERS = 6;
export const DNS_SIZE = 12;
/** Behind a question's name: type and class. */
export const DNS_QUESTION_SIZE = 4;
/** The longest name, and label. */
export const MOST_NAME = 255;
export const MOST_LABEL = 63;
export const NO_ERROR = 0;
export const FORMAT_ERROR = 1;
export const SERVER_FAILURE = 2;
export const NO_SUCH_NAME = 3;
export const TYPE_A = 1;
export const TYPE_PTR = 12;
export const TYPE_ANY = 255;
export const CLASS_IN = 1;
/** A name that is the question's: a pointer to where that stands. */
export const QUESTIONS_NAME = 0xc00c;
