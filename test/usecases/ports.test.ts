import { describe, expect, test } from 'vitest';
import type { Card } from '../../src/card/card.js';
import type { Engine } from '../../src/engine/engine.js';
import { doctor } from '../../src/usecases/doctor.js';
import { guestsOf } from '../../src/usecases/guests.js';
import { inspect } from '../../src/usecases/inspect.js';
import { install } from '../../src/usecases/install.js';
import type { Access, OpenCard } from '../../src/usecases/open-card.js';
import { tryCard } from '../../src/usecases/try.js';
import { uninstall } from '../../src/usecases/uninstall.js';
import { HypberryError } from '../../src/base/errors.js';
import { bootPartition, guestFiles, HOST_TREE, type Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { memoryDisk } from '../support/memory-disk.js';

/** A card in memory that writes into `log` how it is opened and closed. */
function logged(files: Files, log: string[]): OpenCard {
  const card: Card = {
    ...changeableCard(files),
    close: async () => {
      log.push('close');
    },
  };
  return async ({ write, changes }: Access) => {
    log.push(`open${write ? ' to write' : ''}${changes ? ' for a change' : ''}`);
    return card;
  };
}

const hooksInto = (log: string[]) => ({
  plan: () => (log.push('plan hooks'), ['/etc/hook']),
  write: (files: readonly string[], diagnostics: boolean) => {
    log.push(`write ${files.join(' ')}${diagnostics ? ' with diagnostics' : ''}`);
  },
});

describe('install and uninstall tell what they do, in order', () => {
  test('of a change', async () => {
    const files = bootPartition('svc');
    const before = { ...files };
    const log: string[] = [];
    const ports = {
      openCard: logged(files, log),
      onWriting: () => void log.push('writing'),
      onChange: ({ kind }: { kind: string }) => void log.push(kind),
      onChanged: () => void log.push('changed'),
    };
    const { plan, written } = await install({ ...ports, hooks: hooksInto(log) }, { method: 'auto' });
    expect(written).toBe(true);
    expect(plan.notes).toContain('/etc/hook runs "hypberry install" when the system\'s kernels change.');
    expect(log.splice(0)).toEqual([
      'plan hooks',
      'open to write for a change',
      ...['writing', 'create', 'replace', 'changed', 'write /etc/hook', 'close'],
    ]);
    const hooks = {
      ours: () => ['/etc/hook'],
      check: (files: readonly string[]) => void log.push(`check ${files.join(' ')}`),
      remove: () => void log.push('remove hooks'),
    };
    await uninstall({ ...ports, hooks }, {});
    expect(log).toEqual([
      'open to write for a change',
      'check /etc/hook',
      ...['writing', 'replace', 'remove', 'changed', 'remove hooks', 'close'],
    ]);
    expect(files).toEqual(before);
  });

  test('of diagnostics, which hooks are to keep as the card does', async () => {
    const files = bootPartition('svc');
    for (const [wish, on] of [
      [true, true],
      [undefined, true],
      [false, false],
      [undefined, false],
    ] as const) {
      const log: string[] = [];
      const ports = { openCard: logged(files, log), hooks: hooksInto(log) };
      await install(ports, { method: 'auto', diagnostics: wish });
      expect(log.includes('write /etc/hook with diagnostics'), String(wish)).toBe(on);
    }
  });

  test('of a dry run, which writes neither card nor hooks', async () => {
    const files = bootPartition('svc');
    const before = { ...files };
    const log: string[] = [];
    const { plan, written } = await install(
      {
        openCard: logged(files, log),
        onWriting: () => void log.push('writing'),
        hooks: hooksInto(log),
      },
      { method: 'auto', dryRun: true },
    );
    expect([written, plan.changes.length]).toEqual([false, 2]);
    expect(log).toEqual(['plan hooks', 'open for a change', 'close']);
    expect(files).toEqual(before);
  });

  test('a card is closed where it is refused', async () => {
    const log: string[] = [];
    const refused = install({ openCard: logged({}, log) }, { method: 'auto' });
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:setup|firmware)\./) as string,
    });
    expect(log).toEqual(['open to write for a change', 'close']);
  });
});

const SAID = 'Brought up 4 CPUs\nCPU: All CPU(s) started in HYP mode.\n';

describe('try', () => {
  /** An engine whose machine says something and ends. */
  const engine = (text: string): Engine => ({
    name: 'test',
    run: async (_machine, onConsole) => {
      onConsole(new TextEncoder().encode(text));
      return { why: 'it ended' };
    },
  });

  test('closes the card before the run, changes nothing and gives the verdict', async () => {
    const files = bootPartition('svc');
    const before = { ...files };
    const log: string[] = [];
    const tried = await tryCard(
      {
        openCard: logged(files, log),
        engine: async (several) => {
          log.push(`engine for ${several ? 'several' : 'one'}`);
          return engine(SAID);
        },
        onReady: ({ consoles, plan }) => {
          log.push(`ready ${consoles.join(' ')} ${String(plan?.method)}`);
        },
        onConsole: (text, console) => void log.push(`${console}: ${text}`),
      },
      { method: 'auto' },
    );
    expect(tried).toMatchObject({ outcome: { verdict: 'HYP', engine: 'test' }, retried: [] });
    expect(tried.picked.stub).toMatchObject({ from: 'file' });
    expect(log).toEqual([...['open', 'close', 'ready host armstub', 'engine for one'], `host: ${SAID}`]);
    expect(files).toEqual(before);
  });

  test('puts what is on the card into the slot, for the time of the run, and tells of its first error', async () => {
    const log: string[] = [];
    const disk = {
      ...memoryDisk(new Uint8Array(512)),
      close: () => void log.push('close contents'),
    };
    const running: Engine = {
      name: 'test',
      run: async ({ card }, onConsole, signal) => {
        log.push(`a card of ${card!.disk.sectors} sectors`);
        for (const text of ['one', 'two']) card!.onError!(new HypberryError('card.io', text, 'Try again.'));
        return engine(SAID).run({} as never, onConsole, signal);
      },
    };
    await tryCard(
      {
        openCard: logged(bootPartition('svc'), log),
        engine: async () => running,
        openContents: async () => (log.push('open contents'), disk),
        onCardError: ({ message }) => void log.push(message),
      },
      { method: 'auto' },
    );
    expect(log).toEqual([
      ...['open', 'close', 'open contents', 'a card of 1 sectors', 'one', 'close contents'],
    ]);
  });

  test('refuses a console that the card has not', async () => {
    const log: string[] = [];
    await expect(
      tryCard(
        { openCard: logged(bootPartition('svc'), log), engine: async () => engine('') },
        { method: 'auto', console: 'web' },
      ),
    ).rejects.toMatchObject({ code: 'engine.no-console', hint: 'Use one of: host.' });
    expect(log).toEqual(['open', 'close']);
  });
});

describe('a file of a card is read as a whole once, by', () => {
  /** Files read as a whole, each as often as it was. */
  async function readsOf(files: Files, use: (openCard: OpenCard) => Promise<unknown>): Promise<string[]> {
    const reads: string[] = [];
    const card = changeableCard(files);
    await use(async () => ({
      ...card,
      read: async (path, offset, length) => {
        if (offset === undefined) reads.push(path.toLowerCase());
        return card.read(path, offset, length);
      },
    }));
    return reads.sort();
  }
  const engine = async (): Promise<Engine> => ({
    name: 'test',
    run: async () => ({ why: 'it ended' }),
  });
  const dryRun = { dryRun: true };
  const PI = {
    model: 'Raspberry Pi 2 Model B Rev 1.1',
    revision: 0x00a0_1041,
    compatible: ['raspberrypi,2-model-b', 'brcm,bcm2836'],
    kernel: '4.1.13-v7+',
    kernelLog: undefined,
    bootFolder: '/boot',
    closedFolder: undefined,
    nodes: [],
  };
  const fresh = bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE });
  const installed = { ...fresh, ...guestFiles('web') };

  test.each<[string, (openCard: OpenCard) => Promise<unknown>]>([
    ['inspect', inspect],
    ['install', (openCard) => install({ openCard }, { method: 'auto', ...dryRun })],
    ['install by kernel_old', (openCard) => install({ openCard }, { method: 'kernel_old', ...dryRun })],
    ['uninstall', (openCard) => uninstall({ openCard }, dryRun)],
    ['try', (openCard) => tryCard({ openCard, engine }, { method: 'auto' })],
    ['try --as-is', (openCard) => tryCard({ openCard, engine }, { method: 'auto', asIs: true })],
    ['guest list', guestsOf],
    ['doctor', (openCard) => doctor({ readPi: () => PI, openFolder: () => openCard, hooks: () => [] })],
  ])('%s', async (_, use) => {
    await install({ openCard: async () => changeableCard(installed) }, { method: 'auto' });
    for (const files of [fresh, installed]) {
      const reads = await readsOf({ ...files }, use);
      expect(reads).toContain('config.txt');
      expect(reads).toEqual([...new Set(reads)]);
    }
  });
});
