/** The way out for guests, and to them: rules in a table of nft's, or chains of iptables', of this program's own. */
import * as A from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import * as P from '../../shared/packets.js';
import { portCount, takeRecord } from '../channel/channel.js';
import { COMMAND, INPUT, OUTPUT, execute } from '../execute.js';
import { probe } from '../files.js';
import { isAt, lengthOf, putDecimal, putText } from '../texts.js';

/** What of the two there is. */
export const NONE: i32 = 0;
export const NFT: i32 = 1;
export const IPTABLES: i32 = 2;

/** Where Debian has them, new and old, and LibreELEC. */
const NFT_PROGRAM: string = '/usr/sbin/nft';
const IPTABLES_PROGRAM: string = '/sbin/iptables';
const RESTORE_PROGRAM: string = '/sbin/iptables-restore';

/**
 * The interface is meant by a pattern, so that rules with its name are those of others. What a guest sends to another through
 * the host, where the switch lets it not, goes no way but by a forward.
 */
const NFT_GONE: string = 'add table ip hypberry\ndelete table ip hypberry\n';
const NFT_BEGIN: string = `table ip hypberry {
chain forwards {
ip daddr 127.0.0.0/8 return
`;
const NFT_END: string = `}
chain prerouting {
type nat hook prerouting priority -100;
jump forwards
}
chain output {
type nat hook output priority -100;
jump forwards
}
chain postrouting {
type nat hook postrouting priority 100;
ip saddr 192.168.77.0/24 masquerade
}
chain forward {
type filter hook forward priority 0;
ct status dnat accept
iifname "hypberry*" oifname "hypberry*" drop
}
}
`;
const IPTABLES_BEGIN: string = `*nat
:HYPBERRY - [0:0]
:HYPBERRY-POST - [0:0]
-A HYPBERRY -d 127.0.0.0/8 -j RETURN
`;
const IPTABLES_END: string = `-A HYPBERRY-POST -s 192.168.77.0/24 -j MASQUERADE
COMMIT
*filter
:HYPBERRY - [0:0]
-A HYPBERRY -m conntrack --ctstate DNAT -j RETURN
-A HYPBERRY -i hypberry+ -o hypberry+ -j DROP
COMMIT
`;
const IPTABLES_GONE: string = `*nat
-F HYPBERRY
-X HYPBERRY
-F HYPBERRY-POST
-X HYPBERRY-POST
COMMIT
*filter
-F HYPBERRY
-X HYPBERRY
COMMIT
`;
/** The system's own chains that lead to these; in the place of the mark stands what is done: C, I or D. */
const JUMPS: i32 = 4;
const MARK: u8 = 0x3f;
const LINE_FEED: u8 = 0x0a;
const CHECK: u8 = 0x43;
const INSERT: u8 = 0x49;
const DELETE: u8 = 0x44;

/** Which of the two this system has. */
export function firewall(): i32 {
  if (probe(NFT_PROGRAM) == 0) return NFT;
  return probe(IPTABLES_PROGRAM) == 0 ? IPTABLES : NONE;
}

/** Puts an address of the guests' network; gives what is behind it. */
export function putAddress(at: usize, address: u32): usize {
  return putDecimal(putText(at, '192.168.77.'), address & ~A.NETWORK_MASK);
}

/** Where a forward of the record at RECORD stands: its protocol, then its ports; 0 where there is none of that number, or none that can be. */
export function forwardAt(n: u32): usize {
  const at = <usize>(L.RECORD + C.PORT_FORWARDS) + <usize>n * C.FORWARD_SIZE;
  if (load<u32>(<usize>L.RECORD + C.PORT_KIND) != C.KIND_NETWORK) return 0;
  const protocol = load<u32>(at + C.FORWARD_PROTOCOL);
  if (protocol != P.PROTOCOL_TCP && protocol != P.PROTOCOL_UDP) return 0;
  const ports = load<u32>(at + C.FORWARD_PORTS);
  return ports >> 16 == 0 || (ports & 0xffff) == 0 ? 0 : at;
}

/** Puts the rules of all forwards; gives what is behind them. */
function putForwards(at: usize, isNft: bool): usize {
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    takeRecord(port);
    for (let n: u32 = 0; n < <u32>C.MOST_FORWARDS; n++) {
      const forward = forwardAt(n);
      if (forward == 0) break;
      const isTcp = load<u32>(forward + C.FORWARD_PROTOCOL) == P.PROTOCOL_TCP;
      const numbers = load<u32>(forward + C.FORWARD_PORTS);
      at = putText(at, isNft ? 'fib daddr type local ' : '-A HYPBERRY -m addrtype --dst-type LOCAL -p ');
      at = putText(at, isTcp ? 'tcp' : 'udp');
      at = putDecimal(putText(at, isNft ? ' dport ' : ' --dport '), numbers >> 16);
      at = putText(at, isNft ? ' dnat to ' : ' -j DNAT --to-destination ');
      at = putAddress(at, <u32>A.GUEST_ADDRESSES + load<u32>(<usize>L.RECORD + C.PORT_GUEST));
      at = putDecimal(putText(at, ':'), numbers & 0xffff);
      at = putText(at, '\n');
    }
  }
  return at;
}

/** Runs one of the programs with the words of a text. */
function call(program: string, words: string, end: usize, isQuiet: bool): bool {
  store<u8>(putText(COMMAND, words), 0);
  return execute(program, <i32>(end - INPUT), isQuiet);
}

/** Runs iptables for the n-th jump. */
function jump(n: i32, what: u8): bool {
  let end: usize;
  if (n == 0) end = putText(COMMAND, 'iptables -w -t nat -? PREROUTING -j HYPBERRY');
  else if (n == 1) end = putText(COMMAND, 'iptables -w -t nat -? OUTPUT -j HYPBERRY');
  else if (n == 2) end = putText(COMMAND, 'iptables -w -t nat -? POSTROUTING -j HYPBERRY-POST');
  else end = putText(COMMAND, 'iptables -w -t filter -? FORWARD -j HYPBERRY');
  store<u8>(end, 0);
  let at = COMMAND;
  while (load<u8>(at) != MARK) at++;
  store<u8>(at, what);
  return execute(IPTABLES_PROGRAM, 0, what != INSERT);
}

/** Makes the rules, in the place of those that were there; gives whether they are. */
export function makeRules(which: i32): bool {
  if (which == NFT) {
    const end = putText(putForwards(putText(putText(INPUT, NFT_GONE), NFT_BEGIN), true), NFT_END);
    return call(NFT_PROGRAM, 'nft -f -', end, false);
  }
  const end = putText(putForwards(putText(INPUT, IPTABLES_BEGIN), false), IPTABLES_END);
  if (!call(RESTORE_PROGRAM, 'iptables-restore --noflush', end, false)) return false;
  for (let n: i32 = 0; n < JUMPS; n++) if (!jump(n, CHECK) && !jump(n, INSERT)) return false;
  return true;
}

/** Takes the rules away, where there are any. */
export function takeRulesAway(which: i32): void {
  if (which == NFT) call(NFT_PROGRAM, 'nft -f -', putText(INPUT, NFT_GONE), true);
  if (which != IPTABLES) return;
  for (let n: i32 = 0; n < JUMPS; n++) jump(n, DELETE);
  call(RESTORE_PROGRAM, 'iptables-restore --noflush', putText(INPUT, IPTABLES_GONE), true);
}

/** Where a text stands at an address or behind it, before another character or the end; 0 where it does not. */
function find(at: usize, text: string, before: u8): usize {
  for (; load<u8>(at) != 0 && load<u8>(at) != before; at++) if (isAt(at, text)) return at;
  return 0;
}

/** Whether the system drops what it is to forward, and no rule has our interface in it. */
export function isDropped(which: i32): bool {
  if (which == NONE) return false;
  if (which == NFT) call(NFT_PROGRAM, 'nft list ruleset', INPUT, true);
  else call(IPTABLES_PROGRAM, 'iptables -w -S', INPUT, true);
  if (find(OUTPUT, 'hypberry0', 0) != 0) return false;
  if (which == IPTABLES) return find(OUTPUT, '-P FORWARD DROP', 0) != 0;
  const hook: string = 'hook forward';
  let at = find(OUTPUT, hook, 0);
  while (at != 0) {
    if (find(at, 'policy drop', LINE_FEED) != 0) return true;
    at = find(at + lengthOf(hook), hook, 0);
  }
  return false;
}
