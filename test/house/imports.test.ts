import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';

/** For each folder of src, the folders it may import from. Dependencies point one way: no two name each other. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  ports: [],
  channel: [],
  isa: ['base'],
  wasm: ['base'],
  cpu: ['base', 'ports', 'isa', 'wasm'],
  board: ['base', 'ports'],
  translate: ['base', 'isa', 'wasm'],
  boot: ['base', 'isa', 'board'],
  hypervisor: ['base', 'channel', 'isa', 'board', 'boot', 'translate'],
  hypberryd: ['channel', 'translate'],
  card: ['base', 'ports'],
  firmware: ['base', 'ports', 'isa', 'board', 'boot', 'card'],
  guest: ['base', 'channel', 'isa', 'board', 'firmware', 'hypervisor', 'card'],
  engine: ['base', 'ports', 'isa', 'cpu', 'board', 'boot', 'firmware', 'hypervisor'],
  gdb: ['base', 'isa', 'cpu', 'engine', 'hypervisor'],
  setup: ['base', 'channel', 'board', 'boot', 'card', 'firmware', 'hypervisor', 'hypberryd', 'guest'],
  usecases: ['base', 'ports', 'card', 'firmware', 'hypervisor', 'engine', 'setup'],
  node: ['base', 'ports', 'wasm', 'card', 'engine', 'setup'],
  selftest: ['base', 'isa', 'board', 'boot', 'hypervisor'],
  cli: ['base', 'boot', 'selftest', 'card', 'firmware', 'engine', 'gdb', 'setup', 'usecases', 'node'],
};

/**
 * The same for the rooms of src/hypervisor. Nothing but itself imports the body, which is AssemblyScript; what it shares
 * with the rest holds nothing that only one of the two languages has.
 */
const HYPERVISOR_MAY_IMPORT: Record<string, readonly string[]> = {
  shared: [],
  assembly: ['shared'],
  image: ['shared', 'assembly', 'code'],
  binary: [],
  code: [],
  'body/constants': ['shared'],
  'body/core': ['shared', 'body/constants'],
  'body/host': ['shared', 'body/constants', 'body/core'],
  'body/devices': ['shared', 'body/constants', 'body/core', 'body/host'],
  'body/dispatch': ['body/core', 'body/devices'],
  'body/scheduling': ['shared', 'body/constants', 'body/core', 'body/devices', 'body/dispatch'],
  'body/traps': [
    ...['shared', 'body/constants', 'body/core', 'body/host', 'body/devices', 'body/dispatch'],
    ...['body/scheduling'],
  ],
  'body/start': [
    ...['shared', 'body/constants', 'body/core', 'body/host', 'body/devices', 'body/scheduling'],
  ],
  'body/index': ['body/core', 'body/traps', 'body/start'],
};

/** The room of src/hypervisor that a file is in. Of the body's made files one calls devices, the others are constants. */
function roomOf(file: string): string {
  const [, , first, second, third] = file.replace(/\.[jt]s$/, '').split('/');
  if (first === 'hypervisor-binary' || first === 'hypervisor-code') return first.slice('hypervisor-'.length);
  if (first !== 'body') return first!;
  if (second === 'intrinsics') return 'body/constants';
  if (second !== 'generated') return `body/${second!}`;
  return third === 'dispatch' ? 'body/dispatch' : 'body/constants';
}

/** The same of src/hypberryd: its body is AssemblyScript, which shares constants with the rest. */
function faultsOfHypberryd(file: string, path: string): string[] {
  const [from, to] = [file, path].map((it) => /^src\/hypberryd\/(body|shared)\//.exec(it)?.[1]);
  if (to === 'body' && from !== 'body') return [`${file} imports AssemblyScript`];
  const stays = to === from || to === 'shared' || path.startsWith('src/channel/');
  return from === undefined || stays ? [] : [`${file} imports ${path}`];
}

/** The folders whose code may use what only Node has. */
const NODE_FOLDERS = ['node', 'cli'];

const root = join(import.meta.dirname, '../..');

/** Every `from '…'`, `import '…'` and `import('…')` of a source text. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!);
}

/** What is wrong with one file's imports; empty where nothing is. */
function faultsOf(file: string, text: string): string[] {
  const folder = file.split('/')[1]!;
  const allowed = MAY_IMPORT[folder];
  if (!allowed) return [`${file}: src/${folder} is not in the table of folders`];
  const faults: string[] = [];
  for (const specifier of importsOf(text)) {
    if (specifier.startsWith('.')) {
      const path = posix.join(posix.dirname(file), specifier);
      // The one thing outside src that it may look at: what the package says of itself.
      if (path === 'package.json' && folder === 'cli') continue;
      const target = path.split('/')[1]!;
      if (target !== folder && !allowed.includes(target)) faults.push(`${file} imports from src/${target}`);
      else if (folder === 'hypervisor') faults.push(...faultsOfRoom(file, specifier));
      else if (folder === 'hypberryd' || target === 'hypberryd')
        faults.push(...faultsOfHypberryd(file, path));
      else if (target === 'hypervisor' && roomOfTarget(file, specifier).startsWith('body/'))
        faults.push(`${file} imports AssemblyScript`);
    } else if (specifier.startsWith('node:') && !NODE_FOLDERS.includes(folder)) {
      faults.push(`${file} imports ${specifier}, which a browser does not have`);
    }
  }
  if (!NODE_FOLDERS.includes(folder) && /\b(?:Buffer\.\w|process\.\w|__dirname\b|require\()/.test(text)) {
    faults.push(`${file} uses a global of Node`);
  }
  return faults;
}

function roomOfTarget(file: string, specifier: string): string {
  return roomOf(posix.join(posix.dirname(file), specifier));
}

/** What is wrong with an import of a file of src/hypervisor. */
function faultsOfRoom(file: string, specifier: string): string[] {
  const room = roomOf(file);
  const allowed = HYPERVISOR_MAY_IMPORT[room];
  if (!allowed) return [`${file}: ${room} is not in the table of the hypervisor's rooms`];
  const folder = posix.join(posix.dirname(file), specifier).split('/')[1];
  // It holds nothing but constants, which both languages have.
  if (folder === 'channel') return [];
  if (folder !== 'hypervisor')
    return ['shared', 'assembly', 'image'].includes(room) ? [] : [`${file} imports ${specifier}`];
  const target = roomOfTarget(file, specifier);
  return target === room || allowed.includes(target) ? [] : [`${file} imports from ${target}`];
}

/** The first circle of files that import each other, types left out; empty where there is none. */
function circleIn(texts: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    const imports = (texts.get(file) ?? '').matchAll(
      /^(?:import|export)\s+(?!type\b)(?:[^;']*?\bfrom\s+)?'(\.[^']+)\.js';/gm,
    );
    for (const [, specifier] of imports) {
      const circle = visit(`${posix.join(posix.dirname(file), specifier!)}.ts`, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  return [...texts.keys()].map((file) => visit(file, [])).find((it) => it.length > 0) ?? [];
}

/** Those that compare all of a machine's state, whatever it means. */
const WHOLE_STATE = ['test/engine/waits.test.ts', 'test/real/save.test.ts'];

/** Whether a file outside src/cpu and its tests reaches past the view of a core; in src, into the machine behind it. */
function knowsLayout(file: string, text: string): boolean {
  if (/^(?:src|test)\/cpu\//.test(file) || WHOLE_STATE.includes(file)) return false;
  const imported = importsOf(text).some((it) => /(?:^|\/)cpu\/layout\.js$/.test(it));
  return imported || (file.startsWith('src/') && /\bcpu\.machine\b/.test(text));
}

/** A file and all that is loaded with it: types, and what is imported only when it is called for, left out. */
function loadedWith(file: string, all = new Set<string>()): Set<string> {
  if (all.has(file)) return all;
  all.add(file);
  const imports = readText(file).matchAll(
    /^(?:import|export)\s+(?!type\b)(?:[^;']*?\bfrom\s+)?'(\.[^']+)\.js';/gm,
  );
  for (const [, specifier] of imports) loadedWith(`${posix.join(posix.dirname(file), specifier!)}.ts`, all);
  return all;
}

const readText = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Every TypeScript file of some folders. */
function filesOf(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter(
        (name) =>
          name.endsWith('.ts') && !name.includes('node_modules') && name !== 'test/house/imports.test.ts',
      ),
  );
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.ts'));

describe('the direction of imports', () => {
  test('the table itself points one way', () => {
    for (const [folder, targets] of Object.entries(MAY_IMPORT)) {
      for (const target of targets) expect(MAY_IMPORT[target], `${folder} → ${target}`).not.toContain(folder);
    }
    for (const [room, targets] of Object.entries(HYPERVISOR_MAY_IMPORT))
      for (const target of targets)
        expect(HYPERVISOR_MAY_IMPORT[target], `${room} → ${target}`).not.toContain(room);
  });

  test('every file of src keeps to it, and only src/node and src/cli use Node', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.flatMap((file) => faultsOf(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });

  test('the command starts without what its commands need', () => {
    const loaded = [...loadedWith('src/cli/main.ts')];
    expect(loaded).toContain('src/cli/program.ts');
    const heavy =
      /^src\/(?:isa|cpu|wasm|translate|hypervisor|hypberryd|firmware|guest|engine|setup|card\/(?!errors))/;
    expect(loaded.filter((file) => heavy.test(file))).toEqual([]);
    expect([...loadedWith('src/cli/build.ts')].some((file) => heavy.test(file))).toBe(true);
  });

  test("nothing outside src/cpu knows where a core's registers stand", () => {
    expect(
      filesOf('src', 'test', 'bench', 'scripts').filter((file) => knowsLayout(file, readText(file))),
    ).toEqual([]);
    expect(knowsLayout('src/engine/x.ts', `import * as L from '../cpu/layout.js';`)).toBe(true);
    expect(knowsLayout('test/cli/x.ts', `import { PC } from '../../src/cpu/layout.js';`)).toBe(true);
    expect(knowsLayout('src/engine/x.ts', `pi.cpu.machine.core.SCR`)).toBe(true);
    expect(knowsLayout('src/cpu/x.ts', `import * as L from './layout.js';`)).toBe(false);
  });

  test('no files import each other in a circle', () => {
    const texts = sources.map((file) => [file, readFileSync(join(root, file), 'utf8')] as const);
    expect(circleIn(new Map(texts))).toEqual([]);
    const circle = [
      ['src/isa/a.ts', `import type { T } from './c.js';\nimport {\n  b,\n} from './b.js';`],
      ['src/isa/b.ts', `export * from './c.js';`],
      ['src/isa/c.ts', `import './b.js';`],
    ] as const;
    expect(circleIn(new Map(circle))).toEqual(['src/isa/b.ts', 'src/isa/c.ts', 'src/isa/b.ts']);
    expect(circleIn(new Map(circle.slice(0, 2)))).toEqual([]);
  });

  test('the check sees each kind of fault', () => {
    expect(faultsOf('src/isa/x.ts', `import { a } from '../board/y.js';`)).toHaveLength(1);
    expect(faultsOf('src/card/x.ts', `import type { A } from '../firmware/y.js';`)).toHaveLength(1);
    expect(faultsOf('src/card/x.ts', `const fs = await import('node:fs');`)).toHaveLength(1);
    expect(faultsOf('src/card/x.ts', `import 'node:fs';`)).toHaveLength(1);
    expect(faultsOf('src/card/x.ts', `const b = Buffer.alloc(1);`)).toHaveLength(1);
    expect(faultsOf('src/elsewhere/x.ts', '')).toHaveLength(1);
    const body = 'src/hypervisor/body';
    expect(faultsOf(`${body}/core/x.ts`, `import { a } from '../devices/y.js';`)).toHaveLength(1);
    expect(faultsOf(`${body}/core/x.ts`, `import { a } from '../../../board/y.js';`)).toHaveLength(1);
    expect(faultsOf(`${body}/elsewhere/x.ts`, `import { a } from '../core/y.js';`)).toHaveLength(1);
    expect(faultsOf(`src/guest/x.ts`, `import { a } from '../hypervisor/body/core/y.js';`)).toHaveLength(1);
    expect(faultsOf('src/hypervisor/image/x.ts', `import { a } from '../body/core/y.js';`)).toHaveLength(1);
    expect(faultsOf(`${body}/traps/x.ts`, `import { a } from '../core/y.js';`)).toEqual([]);
    const daemon = 'src/hypberryd';
    expect(faultsOf(`${daemon}/x.ts`, `import { a } from './body/y.js';`)).toHaveLength(1);
    expect(faultsOf(`${daemon}/body/x.ts`, `import { a } from '../../translate/y.js';`)).toHaveLength(1);
    expect(faultsOf(`${daemon}/shared/x.ts`, `import { a } from '../program.js';`)).toHaveLength(1);
    expect(faultsOf(`${daemon}/body/x.ts`, `import { a } from '../shared/y.js';`)).toEqual([]);
    expect(faultsOf(`${daemon}/body/x.ts`, `import { a } from './generated/y.js';`)).toEqual([]);
    expect(faultsOf('src/cli/x.ts', `import { a } from '../node/y.js'; import fs from 'node:fs';`)).toEqual(
      [],
    );
  });
});
