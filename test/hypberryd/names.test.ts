/** Names: those of guests are answered here, all others by the host's resolver. Messages are made as RFC 1035 has them. */
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { randomFrom } from '../board/rig.js';
import type { Process } from './kernel.js';
import { ALONE, DB, HOST, HOST_MAC, talk, WEB, type Resolver, type TestGuest } from './guest-services.js';
import { bytesOf, frameOf, half, packetOf } from './packets.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const [A, PTR, AAAA, ANY] = [1, 12, 28, 255];
const [RIGHT, NO_SUCH_NAME] = [0, 3];

const wire = (name: string): number[] => [
  ...name.split('.').flatMap((label) => [label.length, ...new TextEncoder().encode(label)]),
  0,
];
/** A question with one name, recursion being desired. */
const question = (name: string, type = A, { id = 0x1234, flags = 0x0100, of = 1 } = {}): Uint8Array =>
  Uint8Array.from([
    ...[...half(id), ...half(flags), 0, 1, 0, 0, 0, 0, 0, 0],
    ...[...wire(name), ...half(type), ...half(of)],
  ]);
const asked = ({ mac, address }: TestGuest, payload: Uint8Array, port = 40_000, to = HOST): Uint8Array =>
  frameOf({ to: HOST_MAC, from: mac, source: `${address}:${port}`, destination: `${to}:53`, payload });
const createResolver = (): Resolver => ({ asked: [], answers: [] });
/** An answer to a question: the same with the bit of a response, and something behind it. */
const answerTo = (message: Uint8Array, more: Uint8Array = Uint8Array.of(1, 2, 3)): Uint8Array => {
  const answer = Uint8Array.from([...message, ...more]);
  answer[2]! |= 0x80;
  answer[7] = 1;
  return answer;
};

/** The answer to one question, and that nobody else was asked. */
function ask(guest: TestGuest, name: string, type = A) {
  const resolver = createResolver();
  const message = question(name, type);
  const { frames, passedOn } = talk([() => [[guest, asked(guest, message)]]], { resolver });
  expect(passedOn).toEqual([]);
  if (frames.length === 0) return { isForwarded: resolver.asked.length === 1 };
  expect(resolver.asked).toEqual([]);
  const packet = packetOf(frames[0]!);
  expect(packet).toMatchObject({ to: guest.mac, from: HOST_MAC });
  expect(packet).toMatchObject({ source: `${HOST}:53`, destination: `${guest.address}:40000` });
  const all = [...packet.payload];
  // The question is there again; of the rest there is one answer at the most.
  expect(all.slice(0, 2)).toEqual([0x12, 0x34]);
  expect(all.slice(12, message.length)).toEqual([...message.slice(12)]);
  expect(all.slice(8, 12)).toEqual([0, 0, 0, 0]);
  const [flags, answers] = [all[2]! * 256 + all[3]!, all[7]!];
  expect(flags & 0xfff0).toBe(0x8580);
  const behind = all.slice(message.length);
  if (answers === 0) expect(behind).toEqual([]);
  else {
    expect(behind.slice(0, 10)).toEqual([0xc0, 12, ...half(type === ANY ? A : type), 0, 1, 0, 0, 0, 60]);
    expect(behind[10]! * 256 + behind[11]!).toBe(behind.length - 12);
  }
  return { code: flags & 15, data: answers === 0 ? undefined : behind.slice(12) };
}

describe('names of guests', () => {
  test.each<[TestGuest, string, string]>([
    [WEB, 'db', DB.address],
    [WEB, 'db.hypberry', DB.address],
    [WEB, 'DB.HypBerry', DB.address],
    [DB, 'web', WEB.address],
    [WEB, 'web.hypberry', WEB.address],
    [WEB, 'host', HOST],
    [ALONE, 'host.hypberry', HOST],
    [ALONE, 'alone', ALONE.address],
  ])('%o asks for %s', (guest, name, address) => {
    expect(ask(guest, name)).toEqual({ code: RIGHT, data: bytesOf(address) });
    expect(ask(guest, name, ANY)).toEqual({ code: RIGHT, data: bytesOf(address) });
    expect(ask(guest, name, AAAA)).toEqual({ code: RIGHT, data: undefined });
  });

  test.each<[TestGuest, string]>([
    [WEB, 'alone'],
    [WEB, 'alone.hypberry'],
    [ALONE, 'web'],
    [ALONE, 'db.hypberry'],
    [WEB, 'nobody.hypberry'],
    [WEB, 'we.hypberry'],
    [WEB, 'a.web.hypberry'],
  ])('%o does not learn of %s', (guest, name) => {
    expect(ask(guest, name)).toEqual({ code: NO_SUCH_NAME, data: undefined });
  });

  test.each(['example.org', 'web.example.org', 'we', 'webb', 'hypberry', 'xhypberry', 'db.hypberry.org'])(
    '%s is the resolver’s',
    (name) => {
      expect(ask(WEB, name)).toEqual({ isForwarded: true });
    },
  );

  test.each<[TestGuest, number, string | undefined]>([
    [WEB, 1, 'host.hypberry'],
    [WEB, 12, 'web.hypberry'],
    [WEB, 13, 'db.hypberry'],
    [WEB, 15, undefined],
    [ALONE, 15, 'alone.hypberry'],
    [ALONE, 12, undefined],
    [WEB, 11, undefined],
    [WEB, 256, undefined],
  ])('%o asks who has number %i', (guest, n, name) => {
    const wanted =
      name === undefined ? { code: NO_SUCH_NAME, data: undefined } : { code: RIGHT, data: wire(name) };
    expect(ask(guest, `${n}.77.168.192.in-addr.arpa`, PTR)).toEqual(wanted);
  });

  test('a name of another network’s address is the resolver’s', () => {
    expect(ask(WEB, '12.78.168.192.in-addr.arpa', PTR)).toEqual({ isForwarded: true });
  });

  test('what is for another name server, or no question, goes on as it is', () => {
    for (const frame of [
      asked(WEB, question('db'), 40_000, '9.9.9.9'),
      asked(WEB, question('db', A, { flags: 0x8100 })),
      asked(WEB, question('db').subarray(0, 11)),
    ]) {
      const { frames, passedOn } = talk([() => [[WEB, frame]]]);
      expect([frames, passedOn]).toEqual([[], [frame]]);
    }
  });
});

describe('the host’s resolver', () => {
  test.each<[string, string | undefined, string]>([
    ['there is no file', undefined, '127.0.0.1'],
    ['there is none', '# nothing\n', '127.0.0.1'],
    ['it is systemd’s', '# by systemd\nnameserver 127.0.0.53\noptions edns0\n', '127.0.0.53'],
    ['there are several', 'search lan\nnameserver\t10.0.0.1\nnameserver 10.0.0.2\n', '10.0.0.1'],
    ['one is of version 6', 'nameserver fe80::1%eth0\nnameserver  192.168.1.1', '192.168.1.1'],
    [
      'lines are wrong',
      'nameserver 1.2.3\nnameserver 1.2.3.456\nnameserver 1.2.3.4x\nnameserver 9.9.9.9 \n',
      '9.9.9.9',
    ],
  ])('is asked where resolv.conf names it: %s', (_, conf, server) => {
    const resolver = createResolver();
    const files = conf === undefined ? {} : { '/etc/resolv.conf': conf };
    talk([() => [[WEB, asked(WEB, question('example.org'))]]], { resolver, files });
    expect(resolver.asked.map((it) => it.server)).toEqual([`${server}:53`]);
  });

  test('answers go to who has asked, with their own number, whatever their order', () => {
    const resolver = createResolver();
    const questions = [
      { guest: WEB, message: question('a.org', A, { id: 7 }), port: 1111 },
      { guest: WEB, message: question('b.org', AAAA, { id: 7 }), port: 2222 },
      { guest: DB, message: question('c.org', A, { id: 7 }), port: 3333 },
    ];
    const { frames } = talk(
      [
        () => questions.map(({ guest, message, port }) => [guest, asked(guest, message, port)] as const),
        () => {
          const ids = resolver.asked.map(({ message }) => message[0]! * 256 + message[1]!);
          expect(new Set(ids).size).toBe(3);
          expect(ids).not.toContain(0);
          resolver.answers.push(...resolver.asked.map(({ message }) => answerTo(message)).reverse());
          return [];
        },
        () => [],
      ],
      { resolver },
    );
    expect(resolver.asked.map(({ message }) => [...message.slice(2)])).toEqual(
      questions.map(({ message }) => [...message.slice(2)]),
    );
    expect(frames.map(packetOf)).toEqual(
      questions
        .map(({ guest, message, port }) => ({
          ...{ to: [...guest.mac], from: HOST_MAC, source: `${HOST}:53` },
          ...{ destination: `${guest.address}:${port}`, payload: answerTo(message) },
        }))
        .reverse(),
    );
  });

  test('what it has not been asked, or not so, is nobody’s answer; and none comes twice', () => {
    const resolver = createResolver();
    const { frames } = talk(
      [
        () => [[WEB, asked(WEB, question('a.org'))]],
        () => {
          const { message } = resolver.asked[0]!;
          const with0 = (at: number, by: number): Uint8Array => {
            const it = answerTo(message);
            it[at]! ^= by;
            return it;
          };
          resolver.answers.push(
            ...[with0(1, 1), with0(13, 0x20), with0(2, 0x80), message.slice(0, 11), new Uint8Array(12)],
            ...[answerTo(message), answerTo(message)],
          );
          return [];
        },
        () => [],
      ],
      { resolver },
    );
    expect(frames).toHaveLength(1);
  });

  test('an answer that is longer than a frame says so', () => {
    const resolver = createResolver();
    const message = question('big.org');
    const { frames } = talk(
      [
        () => [[WEB, asked(WEB, message)]],
        () => {
          const [it] = resolver.asked;
          resolver.answers.push(answerTo(it!.message, new Uint8Array(1473 - message.length)));
          return [];
        },
        () => [[WEB, asked(WEB, message)]],
        () => {
          resolver.answers.push(answerTo(resolver.asked[1]!.message, new Uint8Array(1472 - message.length)));
          return [];
        },
        () => [],
      ],
      { resolver },
    );
    const [short, long] = frames.map((it) => packetOf(it).payload);
    expect([...short!]).toEqual([0x12, 0x34, 0x83, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...message.slice(12)]);
    expect(long).toHaveLength(1472);
  });

  test('one guest that asks without end takes no answers of others', () => {
    const resolver = createResolver();
    const { frames } = talk(
      [
        () => [[DB, asked(DB, question('b.org'))]],
        () => Array.from({ length: 100 }, (_, i) => [WEB, asked(WEB, question(`n${i}.org`))] as const),
        () => {
          resolver.answers.push(...resolver.asked.map(({ message }) => answerTo(message)));
          return [];
        },
        ...Array.from({ length: 10 }, () => () => []),
      ],
      { resolver },
    );
    const to = frames.map((it) => packetOf(it).destination);
    expect(to.filter((it) => it.startsWith(DB.address))).toHaveLength(1);
    expect(to).toHaveLength(9);
  });

  test('where it refuses, another one is asked the next time', () => {
    const resolver = createResolver();
    const ask = () => [[WEB, asked(WEB, question('a.org'))] as const];
    talk(
      [
        ask,
        () => {
          resolver.answers.push(ERRORS.EPIPE);
          return [];
        },
        ask,
        ask,
      ],
      { resolver, files: { '/etc/resolv.conf': 'nameserver 10.0.0.1\nnameserver 10.0.0.2\n' } },
    );
    expect(resolver.asked.map(({ server }) => server)).toEqual(['10.0.0.1:53', '10.0.0.2:53', '10.0.0.2:53']);
  });

  test('where it says nothing for two seconds, another one is asked the next time', () => {
    const resolver = createResolver();
    const after = (milliseconds: number) => (_: unknown, process: Process) => {
      process.pass(milliseconds);
      return [[WEB, asked(WEB, question('a.org'))] as const];
    };
    talk([0, 1999, 1, 2000, 0].map(after), {
      ...{ resolver, files: { '/etc/resolv.conf': 'nameserver 10.0.0.1\nnameserver 10.0.0.2\n' } },
    });
    expect(resolver.asked.map(({ server }) => server.slice(0, 8))).toEqual([
      '10.0.0.1',
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.1',
      '10.0.0.1',
    ]);
  });

  test(`whatever is asked and answered, it ends in order (seed ${SEED})`, () => {
    const random = randomFrom(SEED);
    const resolver = createResolver();
    const spoil = (bytes: Uint8Array): Uint8Array => {
      const it = bytes.slice(0, random(3) === 0 ? random(bytes.length + 1) : bytes.length);
      for (let i = random(4); i > 0 && it.length > 0; i--) it[random(it.length)] = random(256);
      return it;
    };
    const { ended, frames } = talk(
      Array.from({ length: FUZZ * 400 }, () => () => {
        const last = resolver.asked.at(-1);
        if (last && random(2) === 0) resolver.answers.push(spoil(answerTo(last.message)));
        const name = ['db', 'a.org', 'alone.hypberry', '12.77.168.192.in-addr.arpa'][random(4)]!;
        return [[WEB, asked(WEB, spoil(question(name, [A, PTR, ANY][random(3)])))]];
      }),
      { resolver },
    );
    expect(ended.status).toBe(0);
    expect(frames.length).toBeGreaterThan(50);
    expect(resolver.asked.length).toBeGreaterThan(50);
    for (const it of frames) expect(packetOf(it)).toMatchObject({ to: WEB.mac, source: `${HOST}:53` });
  });
});
