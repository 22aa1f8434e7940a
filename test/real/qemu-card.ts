/** QEMU's raspi2b with a card in its slot, which is written, and a script that talks to it. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConsoleDecoder } from '../../src/engine/console.js';
import { qemuArguments } from '../../src/engine/qemu-arguments.js';
import { readScript, startScript, type ScriptEnd } from '../../src/engine/script.js';
import type { Session } from '../../src/engine/session.js';
import { loadCard } from '../../src/firmware/load.js';
import { placeFiles } from '../../src/firmware/prepare.js';
import { openCard } from '../../src/node/open-card.js';

/**
 * Runs it until the system ends, or the script: then the power is gone.
 * @param card an image whose size is a power of two
 * @param script its seconds are the wall's
 */
export async function inQemu(card: string, script: string): Promise<{ said: string; script: ScriptEnd }> {
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-qemu-'));
  try {
    const opened = await openCard(card, { write: false });
    const { memory } = await placeFiles(await loadCard(opened));
    await opened.close();
    const files = memory.map(({ address, data }, i) => ({
      ...{ address, data, path: join(folder, `segment${i}`) },
    }));
    for (const { path, data } of files) await writeFile(path, data);
    const args = qemuArguments(files, [
      '-accel',
      'tcg,thread=multi',
      '-drive',
      `if=sd,format=raw,file=${card}`,
    ]);
    const child = spawn('qemu-system-arm', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const running = startScript(readScript(script));
    const decoder = createConsoleDecoder();
    const begin = performance.now();
    let said = '';
    const typist: Pick<Session, 'now' | 'type' | 'leave'> = {
      get now() {
        return (performance.now() - begin) * 1e6;
      },
      type: (typed) => void child.stdin.write(typed),
      leave: () => child.kill('SIGKILL'),
    };
    const timer = setInterval(() => {
      running.look(typist as Session);
    }, 50);
    child.stdout.on('data', (bytes: Uint8Array) => {
      const text = decoder.take(bytes, 'host');
      said += text.replaceAll('\r', '');
      running.take(text);
    });
    await new Promise((resolve) => child.once('close', resolve));
    clearInterval(timer);
    return { said, script: running.end('QEMU ended') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
