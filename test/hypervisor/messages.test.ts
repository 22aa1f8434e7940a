import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { r0 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { readMessage } from '../../src/hypervisor/shared/messages.js';
import { consoleText, guest, handoverOf, load, quietHost, smallGuest, smallImage } from './payloads.js';

const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);

test('who is there: the cores, the host, each guest', async () => {
  const image = smallImage(quietHost, [
    guest(idle, { name: 'web' }),
    guest(idle, { name: 'db', cores: [2] }),
  ]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(10_000_000);
  const lines = consoleText(image, pi.cpu.memory.observe(), -1).split('\r\n');
  expect(lines[0]).toBe('hypberry: 4 cores in HYP mode, host on cores 0 to 1');
  expect(lines.slice(1, -1).sort()).toEqual(['hypberry: db: started', 'hypberry: web: started']);
  expect(lines.at(-1)).toBe('');
});

const SYSTEM_OFF = 0x8400_0008;
/** UDF (ARM ARM A8.8.247). */
const UNDEFINED = 0xe7f0_00f0;

test('what is said of guests that end is read from the lines as they are said', async () => {
  const off = smallGuest((a) => {
    load(a, r0, SYSTEM_OFF);
    a.hvc(0);
  });
  const crashing = smallGuest((a) => {
    a.mov(r0, 0);
    a.mcr(reg.VBAR, r0);
    a.word(UNDEFINED);
  });
  const image = smallImage(quietHost, [
    guest(off, { name: 'web' }),
    guest(crashing, { name: 'db', cores: [2] }),
  ]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(20_000_000);
  const lines = consoleText(image, pi.cpu.memory.observe(), -1).trimEnd().split('\r\n');
  const ends = lines.map(readMessage).filter((it) => it?.end !== undefined);
  expect(ends).toHaveLength(2);
  expect(ends).toContainEqual({ guest: 'web', end: 'off', waits: false, text: 'powered off' });
  expect(ends).toContainEqual({
    ...{ guest: 'db', end: 'crashed', waits: false },
    text: expect.stringMatching(/^crashed: no exception vectors, pc 0x00000004, /) as string,
  });
  expect(readMessage(lines[0]!)).toMatchObject({ guest: undefined, end: undefined });
  expect(readMessage('web: powered off')).toBeUndefined();
});
