/** The hypervisor with one barrier less, and whether its tests notice. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const FOLDERS = ['src/hypervisor/assembly', 'src/hypervisor/body'];
/** What a mutated copy of the project needs; the rest is linked. */
const COPIED = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const LINKED = ['node_modules', '.cache'];
/** Those that run on what the barriers order. */
const TESTS = [
  'test/hypervisor/models',
  'test/hypervisor/counter.test.ts',
  'test/hypervisor/silicon.test.ts',
];
/** A fault may have the hypervisor go round and round: then nothing is seen to pass. Milliseconds. */
const PATIENCE = 600_000;

const ASSEMBLY = /\ba\.(?:dsb|dmb|isb|clrex)\(\);/g;
const BODY = /\bbarrier\.(?:dsb|dmb|isb)\w*\(\);/g;

/** A barrier in the source. */
export interface Site {
  /** Its file, and which barrier of that it is, from 1 on: `body/core/locks.ts 2`. */
  readonly name: string;
  readonly path: string;
  readonly offset: number;
  readonly text: string;
}

/** All barriers of the hypervisor's, in the order of the files. */
export function barrierSites(): Site[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((it) => it.endsWith('.ts') && !/generated|intrinsics/.test(it))
      .sort()
      .flatMap((it) => {
        const path = join(folder, it);
        const source = readFileSync(join(root, path), 'utf8');
        return [...source.matchAll(folder.endsWith('assembly') ? ASSEMBLY : BODY)].map((found, n) => ({
          name: `${path.replace('src/hypervisor/', '')} ${n + 1}`,
          path,
          offset: found.index,
          text: found[0],
        }));
      }),
  );
}

/**
 * Runs the tests on a copy of the project in which one barrier is a NOP, in the body nothing.
 * @returns the first test that fails, or that it came to no end; undefined where all pass
 * @throws Error where the copy cannot be tested
 */
export function noticedBy({ path, offset, text }: Site): string | undefined {
  const copy = mkdtempSync(join(tmpdir(), 'hypberry-mutation-'));
  try {
    for (const it of COPIED) cpSync(join(root, it), join(copy, it), { recursive: true });
    for (const it of LINKED) symlinkSync(join(root, it), join(copy, it));
    const source = readFileSync(join(copy, path), 'utf8');
    const instead = text.startsWith('a.') ? 'a.nop();' : '';
    writeFileSync(join(copy, path), source.slice(0, offset) + instead + source.slice(offset + text.length));
    const { status, stdout, error } = spawnSync(
      'npx',
      ['vitest', 'run', '--bail', '1', '--reporter=json', ...TESTS],
      { cwd: copy, encoding: 'utf8', timeout: PATIENCE, maxBuffer: 1 << 28 },
    );
    if (error) return 'a run that came to no end';
    if (status === 0) return undefined;
    const failed = /"status":"failed","title":"([^"]*)"/.exec(stdout)?.[1];
    if (failed === undefined) throw new Error(`no test has failed, yet the run has: ${stdout}`);
    return failed;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
