/**
 * Addresses of the guests' network, 192.168.77.0/24. hypberryd's body imports this file, too, so it holds nothing but
 * constants. An address is a number whose highest byte is the first that is written.
 */

/** 192.168.77.0 */
export const NETWORK = 0xc0a8_4d00;
/** Its mask: 24 bits. */
export const NETWORK_MASK = 0xffff_ff00;
/** The host's, 192.168.77.1: router and name server of the guests. */
export const HOST_ADDRESS = 0xc0a8_4d01;
/** That of guest n, as PORT_GUEST counts from 1 on, is n more: 192.168.77.11 is the first guest's. */
export const GUEST_ADDRESSES = 0xc0a8_4d0a;
