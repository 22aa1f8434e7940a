/**
 * hypberryd under qemu-arm, in processes of Linux' own: files, locks, signals, a terminal as the bell. Killed at
 * random.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { randomFrom } from '../board/rig.js';
import { channelImage } from './channel-image.js';
import { createDiskClient } from './disk-client.js';
import { layOut, openBell } from './under-qemu.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SECTORS = 2048;
const REQUESTS = 600 * FUZZ;
const KILLS = 6;
/** Ports whose numbers a terminal that is not raw would take for orders: end of text, interrupt. */
const PORTS = [3, 4];

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number).filter(Boolean);
  } catch {
    return [];
  }
};

test(
  'disks are served by processes of Linux, killed at random: nothing is lost, nothing is answered twice',
  async () => {
    const random = randomFrom(SEED);
    const folder = mkdtempSync(join(tmpdir(), 'hypberryd-'));
    const terminal = await openBell();
    const running: ChildProcess[] = [];
    try {
      const paths = [0, 1, 2, 3, 4].map((n) => join(folder, `${n}.img`));
      const image = channelImage(
        paths.map((path) => ({ kind: C.KIND_DISK, path, size: BigInt(SECTORS * 512) })),
      );
      const { memory, doorbell, qemu, close } = layOut(folder, image, {
        ...{ bell: terminal.path, files: { '/run/hypberryd.lock': '' } },
      });
      const clients = PORTS.map((port) =>
        createDiskClient({
          ...{ memory, port, data: image.data[port]!, random, disk: new Uint8Array(SECTORS * 512) },
        }),
      );
      let said = '';
      const start = (): ChildProcess => {
        const started = spawn(qemu[0]!, [...qemu.slice(1), 'run'], {
          stdio: ['ignore', 'inherit', 'pipe'],
        });
        started.stderr.on('data', (part) => (said += String(part)));
        running.push(started);
        return started;
      };
      let service = start();
      let killed = 0;
      const answered = (): number => clients.reduce((sum, it) => sum + it.answered, 0);
      for (let rounds = 0; clients.some((it) => it.answered < REQUESTS); rounds++) {
        clients.forEach((client, i) => {
          const port = PORTS[i]!;
          if (doorbell.word(4 * port) !== 0) {
            doorbell.setWord(4 * port, 0);
            client.takeAnswers();
          }
          // A guest starts when its disks are offered.
          if (client.answered + client.underWay === 0 && !client.offered) return;
          for (let n = random(12); n > 0 && client.answered + client.underWay < REQUESTS; n--)
            if (client.ask()) terminal.process.stdin!.write(Uint8Array.of(port));
        });
        if (killed < KILLS && answered() > ((killed + 1) * REQUESTS * PORTS.length) / (KILLS + 1)) {
          killed++;
          // Now the whole service, now one of its processes.
          if (killed % 2 === 0) {
            service.kill('SIGKILL');
            service = start();
          } else {
            const children = childrenOf(service.pid!);
            const one = children[random(children.length)];
            if (one !== undefined) process.kill(one, 'SIGKILL');
          }
        }
        if (rounds > 50_000 || service.exitCode !== null)
          throw new Error(`it has stopped at ${answered()}: ${said}`);
        await sleep(1);
      }
      const ended = new Promise((resolve) => service.once('exit', resolve));
      service.kill('SIGTERM');
      expect(await ended).toBe(0);
      expect(killed).toBe(KILLS);
      PORTS.forEach((port, i) => {
        expect(Buffer.compare(readFileSync(paths[port]!), clients[i]!.disk)).toBe(0);
        expect(clients[i]!.offered).toBe(false);
      });
      expect(said).toContain('its process has ended, signal 9. It is started again in');
      // It has said the time, and what it is.
      expect(memory.word(C.HOST_PAGE + C.HOST_VERSION)).toBe(C.VERSION);
      expect(Math.abs(memory.word(C.HOST_PAGE + C.HOST_SECONDS) - Date.now() / 1000)).toBeLessThan(120);
      close();
    } finally {
      for (const it of running) it.kill('SIGKILL');
      terminal.process.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  },
  FUZZ * 120_000,
);
