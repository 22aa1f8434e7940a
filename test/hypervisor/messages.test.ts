import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { consoleText, guest, handoverOf, quietHost, smallImage } from './payloads.js';

const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);

test('who is there: the cores, the host, each guest', async () => {
  const image = smallImage(quietHost, [
    guest(idle, { name: 'web' }),
    guest(idle, { name: 'db', cores: [2] }),
  ]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(10_000_000);
  const lines = consoleText(image, pi.cpu.ram, -1).split('\r\n');
  expect(lines[0]).toBe('hypberry: 4 cores in HYP mode, host on cores 0 to 1');
  expect(lines.slice(1, -1).sort()).toEqual(['hypberry: db: started', 'hypberry: web: started']);
  expect(lines.at(-1)).toBe('');
});
