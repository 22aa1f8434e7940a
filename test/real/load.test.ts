/**
 * Load on all four cores of the built-in Pi 2: Debian's kernel as host, and as two guests that share a core, each at work
 * whose results are known. By hand, for ten minutes of the machine's time:
 * HYPBERRY_KERNELS=all HYPBERRY_LOAD_SECONDS=600 HYPBERRY_LOAD_REST=5 npx vitest run test/real/load.test.ts
 */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { programWithLibraries } from '../../scripts/lib/debian-program.js';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { useTools } from '../../scripts/lib/tools.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Observe } from '../../src/engine/observer.js';
import { runUntil } from '../../src/engine/run-until.js';
import { debianMachine, listenTo } from './debian-machine.js';
import { everything } from './real-card.js';

/** Seconds of the machine's time for the host's load. */
const LOAD_SECONDS = Number(process.env['HYPBERRY_LOAD_SECONDS'] ?? 60);
/** How many times as long as it took a worker rests after each round. */
const REST = Number(process.env['HYPBERRY_LOAD_REST'] ?? 0);
/** The load's equal parts; the first one warms up. */
const PHASES = 5;
/** Each worker says a line at least as often, in seconds of the machine's time. */
const SILENCE = 10 * (1 + REST);
/** After so many seconds of the machine's time without a line nothing more is waited for. */
const STANDSTILL = 120;
/** Real seconds: many times what a machine without other work needs, and for boots of three kernels. */
const REAL_SECONDS = LOAD_SECONDS * 300 + 1800;

/** How much less memory a system may have left at the end of the last phase than at that of the first, KiB. */
const SYSTEM_GROWTH = { host: 4096, one: 2048, two: 2048 };
/** How much larger this process may be in the last phase than in the second, when RAM is all its own from the start; MiB. */
const PROCESS_GROWTH = 64;
const MEBIBYTE = 2 ** 20;
const PAGE = 4096;

/** /proc/uptime has hundredths of a second. */
const UPTIME_UNITS = 100;

/** A storm is so many processes at once, each of which writes its number into one pipe. */
const STORM = 16;
const DIGESTS = ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512'];
/** Classes of stress-ng and operations of each. */
const CLASSES = {
  ...{ cpu: 20, matrix: 20, qsort: 1, str: 250, vecmath: 5 },
  ...{ atomic: 30, mutex: 2000, vm: 250, fork: 20 },
};
const CLASS_NAMES = Object.keys(CLASSES);

const hash = (name: string, it: string | Uint8Array): string => createHash(name).update(it).digest('hex');

/** Half a megabyte that packs by half and does not repeat itself, for the host; the guests make theirs. */
const HOST_DATA = Buffer.from(Array.from({ length: 1 << 13 }, (_, i) => hash('sha256', String(i))).join(''));
const GUEST_LINES = 20_000;
const numbers = (from: number, to: number): Buffer =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join(''));
const GUEST_DATA = numbers(1, GUEST_LINES);

/** How many bytes a round takes of so many: spread, and the same in the shell's arithmetic. */
const SPREAD = 7919;
const taken = (round: number, of: number): number => 1 + ((round * SPREAD) % of);
const takenInShell = (of: number): string => `$((1 + (round * ${SPREAD}) % ${of}))`;

/** Rounds of all workers, as functions of the shell: each says "load", its name, the round, and what came out. */
const WORK = {
  forks: `{ for i in $(seq ${STORM}); do /bin/busybox echo $i & done; wait; } | sort -n | sha256sum |
    { read -r sum rest; echo "load forks $round $sum"; }`,
  gzip: (data: Buffer) => `head -c ${takenInShell(data.length)} /data >/tmp/plain
    gzip -c /tmp/plain >/tmp/packed && gzip -dc /tmp/packed >/tmp/again && cmp /tmp/plain /tmp/again
    echo "load gzip $round $? $(wc -c </tmp/again) $(wc -c </tmp/packed)"
    # Files are memory here.
    true >/tmp/plain >/tmp/packed >/tmp/again`,
  digest: `head -c ${takenInShell(GUEST_DATA.length)} /data | sha256sum |
    { read -r sum rest; echo "load digest $round $sum"; }`,
  openssl: DIGESTS.map(
    (name) => `head -c ${takenInShell(HOST_DATA.length)} /data | openssl dgst -r -${name} |
    { read -r sum rest; echo "load openssl $round ${name} $sum"; }`,
  ),
  stress: Object.entries(CLASSES).map(([name, operations]) => {
    const options = `--${name} 1 --${name}-ops ${operations}${name === 'vm' ? ' --vm-bytes 4M' : ''}`;
    return `stress-ng ${options} --verify --metrics-brief >/tmp/stress 2>&1
    status=$?
    metrics=$(grep 'metrc: .* ${name} ' /tmp/stress)
    set -- \${metrics#*] ${name} }
    echo "load stress $round ${name} $status $1"
    grep 'fail:\\|error:' /tmp/stress`;
  }),
};

/** One of several commands by the round. */
const oneOf = (commands: readonly string[]): string =>
  `case $((round % ${commands.length})) in\n${commands.map((it, i) => `${i}) ${it} ;;`).join('\n')}\nesac`;

const MEMORY = `sync
  echo 3 >/proc/sys/vm/drop_caches
  while read -r name kib unit; do
    case $name in MemAvailable:) echo "load memory $round $kib" ;; esac
  done </proc/meminfo`;

/** Kernels say only what is wrong: other lines could come into the midst of ours. */
const BEGIN = `dmesg -n 5
mkdir -p /tmp
now() {
  read -r up idle </proc/uptime
  up=\${up%.*}\${up#*.}
}
rest() {
  pause=$((($up - $before) * ${REST}))
  [ $pause -eq 0 ] || sleep $((pause / ${UPTIME_UNITS})).$(printf %02d $((pause % ${UPTIME_UNITS})))
}`;

const GUEST = `${BEGIN}
seq ${GUEST_LINES} >/data
echo ready
round=0
while :; do
  now
  before=$up
  ${WORK.forks}
  ${WORK.gzip(GUEST_DATA)}
  ${WORK.digest}
  ${MEMORY}
  round=$((round + 1))
  now
  rest
done
`;

const HOST_WORKERS = {
  forks: WORK.forks,
  gzip: WORK.gzip(HOST_DATA),
  openssl: oneOf(WORK.openssl),
  stress: oneOf(WORK.stress),
};
const WORKERS = Object.keys(HOST_WORKERS);

const HOST = `${BEGIN}
mount -t sysfs sys /sys
${listenTo(0, 'hypervisor', {})}
${listenTo(1, 'one', { 'ready*': 'true >/one-is-up' })}
${listenTo(2, 'two', { 'ready*': 'true >/two-is-up' })}
while ! [ -e /one-is-up -a -e /two-is-up ]; do sleep 1; done
${WORKERS.map(
  (name) => `work_${name}() {
  round=$(cat /tmp/${name}-round)
  while :; do
    now
    before=$up
    ${HOST_WORKERS[name as keyof typeof HOST_WORKERS]}
    round=$((round + 1))
    now
    rest
    now
    [ $up -lt $end ] || break
  done
  echo $round >/tmp/${name}-round
}`,
).join('\n')}
for name in ${WORKERS.join(' ')}; do echo 0 >/tmp/$name-round; done
echo "load begins"
for round in $(seq ${PHASES}); do
  now
  end=$((up + ${Math.ceil((LOAD_SECONDS / PHASES) * UPTIME_UNITS)}))
  ${WORKERS.map((name) => `work_${name} & ${name}=$!`).join('\n  ')}
  wait ${WORKERS.map((name) => `$${name}`).join(' ')}
  ${MEMORY}
done
dmesg
echo "load done"
`;

/** A line of a worker. */
interface Said {
  /** The machine's time, seconds. */
  readonly time: number;
  readonly system: string;
  readonly worker: string;
  readonly round: number;
  readonly result: string;
}

function saidIn(line: string, time: number): Said | undefined {
  const [, system = 'host', worker = '', round, result = ''] =
    /^(?:(one|two): )?load (\w+) (\d+) (.*)$/.exec(line) ?? [];
  return round === undefined ? undefined : { time, system, worker, round: Number(round), result };
}

/** What is wrong with a result; undefined where nothing is. */
function wrong({ system, worker, round, result }: Said): string | undefined {
  const data = system === 'host' ? HOST_DATA : GUEST_DATA;
  const bytes = taken(round, data.length);
  const plain = data.subarray(0, bytes);
  const is = (expected: string): string | undefined => (result === expected ? undefined : expected);
  switch (worker) {
    case 'forks':
      return is(hash('sha256', numbers(1, STORM)));
    case 'digest':
      return is(hash('sha256', plain));
    case 'openssl': {
      const name = DIGESTS[round % DIGESTS.length]!;
      return is(`${name} ${hash(name, plain)}`);
    }
    case 'gzip':
      return new RegExp(`^0 ${bytes} [1-9]\\d*$`).test(result) ? undefined : `0 ${bytes} and a size`;
    case 'stress': {
      const name = CLASS_NAMES[round % CLASS_NAMES.length]!;
      const [, done] = new RegExp(`^${name} 0 (\\d+)$`).exec(result) ?? [];
      const operations = CLASSES[name as keyof typeof CLASSES];
      return Number(done) >= operations ? undefined : `${name} 0 and ${operations} operations`;
    }
    case 'memory':
      return /^\d+$/.test(result) ? undefined : 'a number';
    default:
      return 'a worker';
  }
}

describe.runIf(everything)('a host and two guests under load in the built-in Pi 2', () => {
  const lines: { time: number; text: string }[] = [];
  const sizes: { time: number; bytes: number }[] = [];
  let why = '';
  let said: Said[] = [];
  let begin = NaN;
  let end = NaN;

  beforeAll(
    async () => {
      useTools();
      const files = [
        ...(await programWithLibraries('openssl')),
        ...(await programWithLibraries('stress-ng')),
        { path: 'data', mode: PROGRAM, data: HOST_DATA },
      ];
      const machine = await debianMachine({
        suite: 'bookworm',
        cores: 2,
        script: HOST,
        more: [...new Map(files.map((it) => [it.path, it])).values()],
        guests: [
          { name: 'one', suite: 'bookworm', cores: [2, 3], script: GUEST },
          { name: 'two', suite: 'bookworm', cores: [3], script: GUEST },
        ],
      });
      let seconds = (): number => NaN;
      let latest = 0;
      const lookOn: Observe = (pi) => {
        seconds = () => pi.cpu.now() / 1e9;
        // Pages of RAM that are first written later would look like growth.
        const ram = pi.cpu.memory.observe();
        for (let page = 0; page < ram.length; page += PAGE) ram[page] = ram[page]!;
        let next = 0;
        const look = (): void => {
          const time = seconds();
          if (time - latest > STANDSTILL) pi.stop(`nothing was said for ${STANDSTILL} s`);
          if (time < next) return;
          next = time + 0.1;
          sizes.push({ time, bytes: process.memoryUsage.rss() });
        };
        return { look };
      };
      let cut = '';
      const started = performance.now();
      const run = await runUntil(builtInEngine([lookOn]), machine, REAL_SECONDS, (text, console) => {
        latest = seconds();
        // Guests' consoles would fall into the host's lines.
        if (console !== undefined) return false;
        const all = (cut + text.replaceAll('\r', '')).split('\n');
        cut = all.pop()!;
        for (const it of all) lines.push({ time: latest, text: it });
        return all.includes('load done');
      });
      why = run.end.why;
      said = lines.flatMap(({ text, time }) => saidIn(text, time) ?? []);
      begin = lines.find(({ text }) => text === 'load begins')?.time ?? NaN;
      end = lines.find(({ text }) => text === 'load done')?.time ?? NaN;
      const counts = new Map<string, number>();
      for (const it of said)
        counts.set(`${it.system} ${it.worker}`, (counts.get(`${it.system} ${it.worker}`) ?? 0) + 1);
      console.log(
        `load: ${(end - begin).toFixed(1)} s of the machine's time after ${begin.toFixed(1)} s of boot, ` +
          `${((performance.now() - started) / 1000).toFixed(0)} s of real time; rounds: ` +
          [...counts].map(([name, count]) => `${name} ${count}`).join(', '),
      );
    },
    (REAL_SECONDS + 600) * 1000,
  );

  const of = (system: string, worker: string): Said[] =>
    said.filter((it) => it.system === system && it.worker === worker);
  const workers = [
    ...WORKERS.map((name) => ['host', name] as const),
    ...['one', 'two'].flatMap((name) => ['forks', 'gzip', 'digest'].map((it) => [name, it] as const)),
  ];

  it('it comes to its end, and takes its time', () => {
    expect(
      end,
      `${why}\n${lines
        .slice(-50)
        .map(({ text }) => text)
        .join('\n')}`,
    ).toBeGreaterThan(begin);
    expect(end - begin).toBeGreaterThan(LOAD_SECONDS);
  });

  it('no result is wrong', () => {
    expect(said.length).toBeGreaterThan(0);
    expect(
      said.flatMap((it) => {
        const expected = wrong(it);
        return expected === undefined ? [] : { ...it, expected };
      }),
    ).toEqual([]);
    expect(lines.filter(({ text }) => /fail:|error:|differ/.test(text))).toEqual([]);
  });

  it.each(workers)('%s: the rounds of %s follow one another', (system, worker) => {
    const rounds = of(system, worker).map(({ round }) => round);
    expect(rounds).toEqual(rounds.map((_, i) => i));
    expect(rounds.length).toBeGreaterThanOrEqual(PHASES);
  });

  it.each(workers)(`%s: %s is never silent for ${SILENCE} s of the machine's time`, (system, worker) => {
    const times = [
      begin,
      ...of(system, worker)
        .map(({ time }) => time)
        .filter((it) => it > begin),
      end,
    ];
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.max(...gaps)).toBeLessThan(SILENCE);
  });

  it('kernels and hypervisor complain of nothing', () => {
    expect(lines.some(({ text }) => /^\[ +0\.0+\] .*Linux version 6\.1/.test(text))).toBe(true);
    expect(lines.filter(({ text }) => /stall|hung|lockup|Oops|BUG|crashed|fault at/.test(text))).toEqual([]);
  });

  it.each(Object.entries(SYSTEM_GROWTH))(
    '%s: its memory does not shrink by more than %i KiB',
    (system, bound) => {
      const free = of(system, 'memory').map(({ result }) => Number(result));
      console.log(`MemAvailable of ${system}: ${free.join(' ')} KiB`);
      expect(free.length).toBeGreaterThanOrEqual(PHASES);
      expect(free[0]! - free.at(-1)!).toBeLessThan(bound);
    },
  );

  it(`this process does not grow by more than ${PROCESS_GROWTH} MiB`, () => {
    const phase = (end - begin) / PHASES;
    const smallest = (index: number): number =>
      Math.min(
        ...sizes
          .filter(({ time }) => time >= begin + index * phase && time < begin + (index + 1) * phase)
          .map(({ bytes }) => bytes / MEBIBYTE),
      );
    const each = Array.from({ length: PHASES }, (_, i) => smallest(i));
    console.log(`This process: ${each.map((it) => it.toFixed(0)).join(' ')} MiB`);
    expect(each.at(-1)! - each[1]!).toBeLessThan(PROCESS_GROWTH);
  });
});
