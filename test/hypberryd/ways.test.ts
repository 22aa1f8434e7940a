/** What the network's process sets up on the host: rules by nft or iptables, forwarding, names; and that uninstall takes it away. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import { channelImage, type Port } from './channel-image.js';
import type { Device, Machine } from './kernel.js';
import { createMachine, runInNode } from './kernel.js';
import { createTap } from './network-rig.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const SIGTERM = 15;
const SIOCGIFADDR = 0x8915;
const [TCP, UDP] = [6, 17];
const PORTS: Port[] = [
  { kind: C.KIND_UPLINK, name: '' },
  {
    kind: C.KIND_NETWORK,
    guest: 1,
    name: 'web',
    forwards: [
      [TCP, 8080, 80],
      [UDP, 65_535, 1],
    ],
  },
  { kind: C.KIND_NETWORK, guest: 3, name: 'db', forwards: [[TCP, 1, 5432]] },
];
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
const NFT = '/usr/sbin/nft';
const [IPTABLES, RESTORE] = ['/sbin/iptables', '/sbin/iptables-restore'];
const HOSTS = '127.0.0.1\tlocalhost\n::1 localhost\n';
const SYSTEM = {
  ...{ '/run/': '', '/etc/hosts': HOSTS, [FORWARDING]: '0\n', '/proc/self/exe': 'hypberryd' },
  ...{ '/run/systemd/system/': '', '/etc/systemd/system/': '', '/usr/local/sbin/': '' },
};
const ROUTE_HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const routes = (...lines: [string, string, string][]): string =>
  ROUTE_HEAD +
  lines.map(([at, to, mask]) => `${at}\t${to}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`).join('');

interface Command {
  readonly path: string;
  readonly words: string;
  readonly stdin: string;
}
interface Way {
  readonly ports?: readonly Port[];
  readonly address?: readonly number[];
  /** The status that a program ends with, what it says; by its words. */
  readonly ends?: (words: string) => number;
  readonly says?: (words: string) => string;
  /** Ports that programs listen on. */
  readonly taken?: readonly number[];
  readonly command?: string;
}

const textAt = (machine: Machine, path: string): string | undefined => {
  const { node } = machine.tree.placeOf(path);
  if (node?.kind !== 'file') return undefined;
  const bytes = new Uint8Array(node.content.size);
  node.content.read(0, bytes);
  return textOf(bytes);
};

/**
 * Runs it as often as it starts programs, following the one that is next, over files that are as they were; then once more,
 * over those of the machine that is given back.
 */
function setUp(
  files: Readonly<Record<string, string>>,
  {
    ports = PORTS,
    address = [192, 168, 77, 1],
    ends = () => 0,
    says = () => '',
    taken = [],
    command = 'run',
  }: Way = {},
) {
  const commands: Command[] = [];
  const first = command === 'run' ? 2 : 0;
  const runOnce = (followed: number) => {
    const image = channelImage(ports);
    const tap = createTap({ isThere: true });
    const socket: Device = {
      ioctl(request, argument, memory) {
        if (request === SIOCGIFADDR)
          address.forEach((byte, i) => {
            memory.setUint8(argument + 20 + i, byte);
          });
        return tap.devices['socket']!.ioctl!(request, argument, memory);
      },
      bind: (to) => (taken.includes(to[2]! * 256 + to[3]!) ? -98 : 0),
    };
    const machine = createMachine(
      { ...image.tree, ...files },
      { ...CHANNEL_DEVICES(image), ...tap.devices, socket, '/dev/null': {} },
    );
    let last = 0;
    let started: Command | undefined;
    const words = (n: number): string => commands[n - first]?.words ?? '';
    const ended = runInNode(wasm, {
      ...{ args: ['hypberryd', command], end: L.END, machine },
      world: {
        counter: () => 0n,
        idle: (process) => (process.signal(SIGTERM), true),
        fork(n) {
          last = n;
          return n === 1 && first === 2 ? 0 : n - first === followed ? 0 : 60 + n;
        },
        says: (n) => says(words(n)),
        ended: () => ({ process: 60 + last, status: last < first ? 0 : ends(words(last)) << 8 }),
        exec(path, argv, _, stdin) {
          started ??= { path, words: argv.join(' '), stdin: textOf(stdin) };
          return -ERRORS.ENOENT;
        },
      },
    });
    return { ended, machine, started };
  };
  for (;;) {
    const { started, ended, machine } = runOnce(commands.length);
    if (!started) return { ended, machine, commands, said: textOf(ended.stderr) };
    commands.push(started);
    expect(commands.length).toBeLessThan(30);
  }
}
const filesOf = (machine: Machine, paths: readonly string[]): Record<string, string> => {
  const files: Record<string, string> = {};
  for (const path of paths) {
    const text = textAt(machine, path);
    if (text !== undefined) files[path] = text;
  }
  return files;
};

const ADDRESSES = '192.168.77.0/24';
const BLOCK = `# hypberryd begins; "hypberryd uninstall" takes these lines away.
192.168.77.11 web web.hypberry
192.168.77.13 db db.hypberry
# hypberryd ends.
`;

describe('the way out by nft', () => {
  const files = { ...SYSTEM, [NFT]: '', [IPTABLES]: '' };

  test('is one table of its own, made anew each time', () => {
    const { commands, machine, said, ended } = setUp(files);
    expect(ended.status).toBe(0);
    expect(said).not.toContain('the network');
    expect(commands.map(({ path, words }) => [path, words])).toEqual([
      [NFT, 'nft -f -'],
      [NFT, 'nft list ruleset'],
    ]);
    const lines = commands[0]!.stdin.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'add table ip hypberry',
      'delete table ip hypberry',
      'table ip hypberry {',
    ]);
    const chains = [...commands[0]!.stdin.matchAll(/^chain (\w+) \{\n([^}]*)\}$/gm)].map(([, name, body]) => [
      name,
      ...body!.trimEnd().split('\n'),
    ]);
    expect(chains).toEqual([
      [
        'forwards',
        'ip daddr 127.0.0.0/8 return',
        'fib daddr type local tcp dport 8080 dnat to 192.168.77.11:80',
        'fib daddr type local udp dport 65535 dnat to 192.168.77.11:1',
        'fib daddr type local tcp dport 1 dnat to 192.168.77.13:5432',
      ],
      ['prerouting', 'type nat hook prerouting priority -100;', 'jump forwards'],
      ['output', 'type nat hook output priority -100;', 'jump forwards'],
      ['postrouting', 'type nat hook postrouting priority 100;', `ip saddr ${ADDRESSES} masquerade`],
      [
        'forward',
        'type filter hook forward priority 0;',
        'ct status dnat accept',
        'iifname "hypberry*" oifname "hypberry*" drop',
      ],
    ]);
    expect(textAt(machine, FORWARDING)).toBe('1\n');
    expect(textAt(machine, '/etc/hosts')).toBe(HOSTS + BLOCK);
  });

  test('forwarding that is on stays on behind uninstall; what was off is off again', () => {
    for (const was of ['0\n', '1\n']) {
      const { machine } = setUp({ ...files, [FORWARDING]: was });
      expect(textAt(machine, FORWARDING)).toBe('1\n');
      const after = filesOf(machine, ['/etc/hosts', '/run/hypberryd.forwarding', FORWARDING]);
      const installed = {
        ...{ ...files, ...after, '/usr/local/sbin/hypberryd': 'hypberryd' },
        '/etc/systemd/system/hypberryd.service':
          '# Made by "hypberryd install"; "hypberryd uninstall" takes it away.\n',
      };
      const gone = setUp(installed, { command: 'uninstall' });
      expect(gone.ended.status).toBe(0);
      expect(gone.commands.slice(3).map(({ words, stdin }) => [words, stdin])).toEqual([
        ['nft -f -', 'add table ip hypberry\ndelete table ip hypberry\n'],
      ]);
      expect(textAt(gone.machine, FORWARDING)).toBe(was);
      expect(textAt(gone.machine, '/etc/hosts')).toBe(HOSTS);
      expect(textAt(gone.machine, '/run/hypberryd.forwarding')).toBeUndefined();
    }
  });

  test('where the rules cannot be made, nothing is forwarded, and that is said', () => {
    const { machine, said } = setUp(files, { ends: (words) => (words === 'nft -f -' ? 1 : 0) });
    expect(said).toMatch(
      /^hypberryd: the network: the rules for the way out could not be made: guests reach/m,
    );
    expect(textAt(machine, FORWARDING)).toBe('0\n');
  });

  test.each<[string, string, boolean]>([
    [
      'drops',
      'table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n',
      true,
    ],
    [
      'drops by another table, too',
      'type filter hook forward priority 0; policy accept;\n type filter hook forward priority 5; policy drop;\n',
      true,
    ],
    [
      'lets through',
      'type filter hook forward priority filter; policy accept;\ntype filter hook input priority 0; policy drop;\n',
      false,
    ],
    [
      'lets us through',
      'type filter hook forward priority filter; policy drop;\n\tiifname "hypberry0" accept\n',
      false,
    ],
    ['has ours alone', 'iifname "hypberry*" oifname "hypberry*" drop\n', false],
  ])('a system that %s', (_, ruleset, isSaid) => {
    const { said } = setUp(files, { says: (words) => (words === 'nft list ruleset' ? ruleset : '') });
    expect(said.includes('iptables -I FORWARD -i hypberry0 -j ACCEPT')).toBe(isSaid);
  });
});

describe('the way out by iptables', () => {
  const files = { ...SYSTEM, [IPTABLES]: '', [RESTORE]: '' };
  const jumps = (what: string): string[] => [
    `iptables -w -t nat -${what} PREROUTING -j HYPBERRY`,
    `iptables -w -t nat -${what} OUTPUT -j HYPBERRY`,
    `iptables -w -t nat -${what} POSTROUTING -j HYPBERRY-POST`,
    `iptables -w -t filter -${what} FORWARD -j HYPBERRY`,
  ];

  test('is chains of its own, and a jump to each', () => {
    const { commands, machine } = setUp(files, { ends: (words) => (words.includes(' -C ') ? 1 : 0) });
    expect(commands.map(({ words }) => words)).toEqual([
      'iptables-restore --noflush',
      ...jumps('C').flatMap((it, i) => [it, jumps('I')[i]!]),
      'iptables -w -S',
    ]);
    expect(commands.map(({ path }) => path)).toEqual([RESTORE, ...Array<string>(9).fill(IPTABLES)]);
    expect(commands[0]!.stdin.split('\n')).toEqual([
      ...['*nat', ':HYPBERRY - [0:0]', ':HYPBERRY-POST - [0:0]', '-A HYPBERRY -d 127.0.0.0/8 -j RETURN'],
      '-A HYPBERRY -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 192.168.77.11:80',
      '-A HYPBERRY -m addrtype --dst-type LOCAL -p udp --dport 65535 -j DNAT --to-destination 192.168.77.11:1',
      '-A HYPBERRY -m addrtype --dst-type LOCAL -p tcp --dport 1 -j DNAT --to-destination 192.168.77.13:5432',
      ...[`-A HYPBERRY-POST -s ${ADDRESSES} -j MASQUERADE`, 'COMMIT', '*filter', ':HYPBERRY - [0:0]'],
      '-A HYPBERRY -m conntrack --ctstate DNAT -j RETURN',
      ...['-A HYPBERRY -i hypberry+ -o hypberry+ -j DROP', 'COMMIT', ''],
    ]);
    expect(textAt(machine, FORWARDING)).toBe('1\n');
  });

  test('no jump is made that is there', () => {
    const { commands } = setUp(files);
    expect(commands.map(({ words }) => words)).toEqual([
      'iptables-restore --noflush',
      ...jumps('C'),
      'iptables -w -S',
    ]);
  });

  test('uninstall takes jumps and chains away', () => {
    const installed = {
      ...{ ...files, '/usr/local/sbin/hypberryd': 'hypberryd' },
      '/etc/systemd/system/hypberryd.service':
        '# Made by "hypberryd install"; "hypberryd uninstall" takes it away.\n',
    };
    const { commands, machine } = setUp(installed, { command: 'uninstall' });
    expect(commands.slice(3).map(({ words }) => words)).toEqual([
      ...jumps('D'),
      'iptables-restore --noflush',
    ]);
    expect(commands.at(-1)!.stdin.split('\n')).toEqual([
      ...['*nat', '-F HYPBERRY', '-X HYPBERRY', '-F HYPBERRY-POST', '-X HYPBERRY-POST', 'COMMIT'],
      ...['*filter', '-F HYPBERRY', '-X HYPBERRY', 'COMMIT', ''],
    ]);
    // It was not this that had switched it on.
    expect(textAt(machine, FORWARDING)).toBe('0\n');
  });

  test.each<[string, string, boolean]>([
    ['drops', '-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n', true],
    [
      'lets through',
      '-P INPUT DROP\n-P FORWARD ACCEPT\n-A HYPBERRY -i hypberry+ -o hypberry+ -j DROP\n',
      false,
    ],
    ['lets us through', '-P FORWARD DROP\n-A DOCKER-USER -i hypberry0 -j ACCEPT\n', false],
  ])('a system that %s', (_, rules, isSaid) => {
    const { said } = setUp(files, { says: (words) => (words === 'iptables -w -S' ? rules : '') });
    expect(said.includes('iptables -I FORWARD -i hypberry0 -j ACCEPT')).toBe(isSaid);
  });
});

describe('the host', () => {
  test('without either is told that guests reach it alone; their names stand there all the same', () => {
    const { commands, said, machine } = setUp(SYSTEM);
    expect(commands).toEqual([]);
    expect(said).toContain(
      'the network: this system has neither nft nor iptables: guests reach the host alone.\n',
    );
    expect(textAt(machine, FORWARDING)).toBe('0\n');
    expect(textAt(machine, '/etc/hosts')).toBe(HOSTS + BLOCK);
  });

  test('that has given the interface another address is left as it is', () => {
    const { commands, machine } = setUp({ ...SYSTEM, [NFT]: '' }, { address: [10, 0, 0, 1] });
    expect(commands).toEqual([]);
    expect(filesOf(machine, ['/etc/hosts', FORWARDING])).toEqual({
      '/etc/hosts': HOSTS,
      [FORWARDING]: '0\n',
    });
  });

  test.each<[string, string]>([
    ['none of ours', HOSTS],
    ['no end of its last line', '127.0.0.1 localhost'],
    ['nothing', ''],
    ['ours already', HOSTS + BLOCK],
    ['ours of other guests, and lines behind', `a\n${BLOCK.replace('db db', 'old old')}10.0.0.9 nas\n`],
  ])('has a file of names with %s', (_, before) => {
    const once = setUp({ ...SYSTEM, '/etc/hosts': before });
    const hosts = textAt(once.machine, '/etc/hosts')!;
    const others = before.replace(/# hypberryd begins[^]*ends\.\n/, '').replace(/([^\n])$/, '$1\n');
    expect(hosts).toBe(others + BLOCK);
    expect(textAt(setUp({ ...SYSTEM, '/etc/hosts': hosts }).machine, '/etc/hosts')).toBe(hosts);
  });

  test('whose file of names cannot be written, or is spoilt, is told so', () => {
    for (const hosts of [undefined, '# hypberryd begins; "hypberryd uninstall" takes these lines away.\n']) {
      const { '/etc/hosts': gone, ...others } = SYSTEM;
      expect(gone).toBe(HOSTS);
      const { said } = setUp(hosts === undefined ? others : { ...others, '/etc/hosts': hosts });
      expect(said).toMatch(
        /the network: \/etc\/hosts does not name the guests: (?:it is not there|error 22)\.$/m,
      );
    }
  });

  test.each<[string, string, boolean]>([
    ['its own', routes(['eth0', '00000000', '00000000'], ['hypberry0', '004DA8C0', '00FFFFFF']), false],
    ['others', routes(['eth0', '0001A8C0', '00FFFFFF'], ['wlan0', '004EA8C0', '00FFFFFF']), false],
    [
      'the same elsewhere',
      routes(['hypberry0', '004DA8C0', '00FFFFFF'], ['eth0', '004DA8C0', '00FFFFFF']),
      true,
    ],
    ['a part of it elsewhere', routes(['eth0', '804DA8C0', '80FFFFFF']), true],
    ['one around it', routes(['eth0', '0000A8C0', '0000FFFF']), true],
  ])('with routes: %s', (_, text, isSaid) => {
    const { said } = setUp({ ...SYSTEM, '/proc/net/route': text });
    expect(said.includes('are in use at eth0, too: one of the two is not reached.')).toBe(isSaid);
  });

  test('hears of ports that programs of its listen on', () => {
    const { said } = setUp({ ...SYSTEM, [NFT]: '' }, { taken: [8080, 22] });
    expect(said.match(/port \d+/g)).toEqual(['port 8080']);
    expect(said).toContain(
      'a program of this system listens on port 8080, which leads to web: others do not',
    );
  });
});

test('forwards that cannot be end the list', () => {
  const forwards = [
    [TCP, 80, 80],
    [1, 81, 81],
    [TCP, 82, 82],
  ] as const;
  for (const [from, to] of [
    [0, 80],
    [80, 0],
  ] as const) {
    const ports: Port[] = [PORTS[0]!, { ...PORTS[1]!, forwards: [[TCP, from, to]] }];
    expect(setUp({ ...SYSTEM, [NFT]: '' }, { ports }).commands[0]!.stdin).not.toContain('dnat to');
  }
  const ports: Port[] = [PORTS[0]!, { ...PORTS[1]!, forwards }];
  expect(setUp({ ...SYSTEM, [NFT]: '' }, { ports }).commands[0]!.stdin.match(/dport \d+/g)).toEqual([
    'dport 80',
  ]);
});
