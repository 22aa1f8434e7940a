/** Measures hypberry against the tools that people would use in its place; prints ratios. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BOOT_OFFSET, bootFiles, makeCardImage } from '../scripts/lib/card-image.js';
import { cacheFolder } from '../scripts/lib/cache.js';
import { inputs } from '../scripts/lib/inputs.js';
import { reportErrors } from '../scripts/lib/report.js';
import { run } from '../scripts/lib/run.js';
import { cardTools, ensureTools } from '../scripts/lib/tools.js';
import { buildBootBlock, buildStub } from '../src/boot/block.js';
import { openCard } from '../src/node/open-card.js';
import { planInstall, planUninstall } from '../src/setup/install.js';
import type { Change } from '../src/card/card.js';
import { applyPlan } from '../src/setup/plan.js';
import { blockSource, copyOriginal, countAll, crossBuild, type BootCode } from './boot-codes.js';
import { bootAll, type Boot } from './boots.js';
import { type Cost, costLines, measureInstructions } from './instructions/measure.js';
import { type CardRatio, cardLines, measureCard } from './card/measure.js';
import { type Login, loginLines, measureLogin } from './login/measure.js';
import { measureWork, type WorkRatio, workLines } from './work/measure.js';
import { compare, runProgram, type Ratio, type Side } from './pairs.js';

const project = fileURLToPath(new URL('..', import.meta.url));
const program = join(project, 'bin/hypberry.js');
const folder = join(cacheFolder, 'bench');

const hypberry = (...args: readonly string[]): void => {
  runProgram(process.execPath, [program, ...args]);
};

/** Installs by kernel_old, in this process. */
async function installHere(target: string): Promise<readonly Change[]> {
  const card = await openCard(target, { write: true });
  try {
    const plan = await planInstall(card, { method: 'kernel_old' });
    await applyPlan(card, plan, () => undefined);
    return plan.changes;
  } finally {
    await card.close();
  }
}

async function uninstallHere(target: string): Promise<void> {
  const card = await openCard(target, { write: true });
  try {
    await applyPlan(card, await planUninstall(card), () => undefined);
  } finally {
    await card.close();
  }
}

/** Install against copying the files that it writes, on a folder and on an image. */
async function installRatios(pairs: number, files: ReadonlyMap<string, Uint8Array>): Promise<Ratio[]> {
  const [ours, theirs, made] = ['ours', 'theirs', 'made'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const place of [ours, theirs, made]) mkdirSync(place, { recursive: true });
  for (const place of [ours, theirs])
    for (const [path, bytes] of files) writeFileSync(join(place, path), bytes);

  // What install writes, for the others to copy.
  const changes = await installHere(ours);
  await uninstallHere(ours);
  const written = changes.flatMap((change) => (change.kind === 'remove' ? [] : [change]));
  for (const { path, data } of written) writeFileSync(join(made, path), data);
  const sources = written.map(({ path }) => join(made, path));
  const created = written.filter(({ kind }) => kind === 'create').map(({ path }) => path);

  const command: Side = {
    name: 'install, a folder',
    run: () => {
      hypberry('install', '--method', 'kernel_old', ours);
    },
    reset: () => uninstallHere(ours),
  };
  const here: Side = {
    name: "install, a folder, without Node's start",
    run: () => installHere(ours),
    reset: () => uninstallHere(ours),
  };
  const clean = (): void => {
    for (const path of created) rmSync(join(theirs, path));
  };
  const copy: Side = {
    name: 'cp of the same files',
    run: () => {
      runProgram('cp', [...sources, theirs]);
    },
    reset: clean,
  };
  const copyAndSync: Side = {
    name: 'cp and sync of the same files',
    run: () => {
      runProgram('sh', [
        '-c',
        'to=$1; shift; cp "$@" "$to" && sync "$to"/*hypberry* "$to/config.txt" "$to"',
        'sh',
        theirs,
        ...sources,
      ]);
    },
    reset: clean,
  };

  const [image, other] = [join(folder, 'ours.img'), join(folder, 'theirs.img')];
  await makeCardImage(image, files);
  copyFileSync(image, other);
  const partition = ['-i', `${other}@@${BOOT_OFFSET}`];
  const imageCommand: Side = {
    name: 'install, an image',
    run: () => {
      hypberry('install', '--method', 'kernel_old', image);
    },
    reset: () => uninstallHere(image),
  };
  const imageHere: Side = {
    name: "install, an image, without Node's start",
    run: () => installHere(image),
    reset: () => uninstallHere(image),
  };
  const mcopy: Side = {
    name: 'mcopy of the same files',
    run: () => {
      runProgram('mcopy', ['-o', ...partition, ...sources, '::']);
    },
    reset: () => {
      runProgram('mdel', [...partition, ...created.map((path) => `::${path}`)]);
    },
  };
  const mcopyAndSync: Side = {
    name: 'mcopy and sync of the same files',
    run: () => {
      runProgram('mcopy', ['-o', ...partition, ...sources, '::']);
      runProgram('sync', [other]);
    },
    reset: mcopy.reset!,
  };
  return [
    await compare(command, copy, pairs),
    await compare(command, copyAndSync, pairs),
    await compare(here, copyAndSync, pairs),
    await compare(imageCommand, mcopy, pairs),
    await compare(imageCommand, mcopyAndSync, pairs),
    await compare(imageHere, mcopyAndSync, pairs),
  ];
}

/** Build against the cross toolchain; gives the original's image, too, where its source is there. */
async function buildRatios(
  pairs: number,
  original: string | undefined,
): Promise<{ ratios: Ratio[]; image: Uint8Array | undefined }> {
  const out = join(folder, 'built');
  const command: Side = {
    name: 'build',
    run: () => {
      hypberry('build', '--out', out);
    },
  };
  const here: Side = {
    name: "build, without Node's start",
    run: () => {
      writeFileSync(join(out, 'bootblk.bin'), buildBootBlock());
      writeFileSync(join(out, 'hypberry-stub.bin'), buildStub());
    },
  };
  const same = join(folder, 'same');
  mkdirSync(same, { recursive: true });
  writeFileSync(join(same, 'block.S'), blockSource());
  crossBuild(same);
  if (!readFileSync(join(same, 'block.bin')).equals(buildStub())) {
    throw new Error('GNU as makes another block of our disassembly');
  }
  const cross: Side = {
    name: 'as, ld, objcopy of the same block',
    run: () => {
      crossBuild(same);
    },
  };
  const ratios = [await compare(command, cross, pairs), await compare(here, cross, pairs)];
  if (original === undefined) return { ratios, image: undefined };

  const first = join(folder, 'original');
  const script = join(original, 'rpi2-hyp-boot.lds');
  copyOriginal(original, first);
  const theirs: Side = {
    name: 'as, ld, objcopy of rpi2-hyp-boot',
    run: () => {
      crossBuild(first, script);
    },
  };
  ratios.push(await compare(command, theirs, pairs));
  return { ratios, image: new Uint8Array(readFileSync(join(first, 'block.bin'))) };
}

async function startRatio(pairs: number): Promise<Ratio> {
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  return compare(
    {
      name: '--help',
      run: () => {
        hypberry('--help');
      },
    },
    {
      name: 'an empty Node program',
      run: () => {
        runProgram(process.execPath, [empty]);
      },
    },
    pairs,
  );
}

function printTables(
  ratios: readonly Ratio[],
  codes: readonly BootCode[],
  boots: readonly Boot[],
  costs: readonly Cost[],
  work: readonly WorkRatio[],
  card: readonly CardRatio[],
  login: Login,
): void {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const rows = [
    ['hypberry', 'against', 'hypberry', 'against', 'ratio', 'middle half'],
    ...[...ratios, ...boots.map(({ time }) => time)].map(
      ({ ours, theirs, oursMs, theirsMs, ratio, quartiles }) => [
        ours,
        theirs,
        ms(oursMs),
        ms(theirsMs),
        ratio.toFixed(2),
        quartiles.map((it) => it.toFixed(2)).join(' – '),
      ],
    ),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const width = Math.max(...codes.map(({ name }) => name.length));
  process.stdout.write(
    [
      `Medians of ${ratios[0]!.pairs} pairs (boots: ${boots[0]!.time.pairs}), run by turns; a ratio under 1: hypberry is faster.`,
      '',
      ...rows.map(line),
      '',
      'Instructions on core 0 from reset to kernel entry',
      ...codes.map(
        ({ name, instructions, from }) =>
          `  ${name.padEnd(width)}  ${String(instructions).padStart(3)}  ${from}`,
      ),
      '',
      'The built-in Pi 2 up to the HYP line',
      ...boots.map(
        ({ kernel, instructions, instructionsPerSecond, oursMiB, theirsMiB }) =>
          `  ${kernel}: ${(instructions / 1e6).toFixed(0)} million instructions, ` +
          `${(instructionsPerSecond / 1e6).toFixed(0)} million a second, ` +
          `${oursMiB?.toFixed(0) ?? '?'} MiB in RAM at most (with QEMU ${theirsMiB?.toFixed(0) ?? '?'})`,
      ),
      '',
      'Instructions on the built-in Pi 2, time of the process',
      ...costLines(costs),
      '',
      'Programs on Linux, one core: time of the process, against QEMU',
      ...workLines(work),
      '',
      'The SD card in Linux, by the time of the process, against QEMU',
      ...cardLines(card),
      '',
      'Debian 6.1 on a card, by SDHOST, four cores, by the clock on the wall, against QEMU',
      ...loginLines(login),
      '',
    ].join('\n'),
  );
}

await reportErrors(async () => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      /** Pairs of runs. */
      pairs: { type: 'string', default: '15' },
      /** Pairs of boots, which take longer. */
      'boot-pairs': { type: 'string', default: '5' },
      /** A folder with rpi2-hyp-boot's source. */
      original: { type: 'string' },
    },
  });
  const pairs = Number(values.pairs);
  await ensureTools([...cardTools, 'qemu-system-arm', 'binutils-arm-none-eabi']);
  const found = await inputs();
  process.stderr.write('building hypberry\n');
  await run('npm', ['run', '--silent', 'build'], { cwd: project });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  process.stderr.write('measuring\n');
  const boots = await bootAll(program, folder, found, Number(values['boot-pairs']));
  const start = await startRatio(pairs);
  const install = await installRatios(pairs, await bootFiles(found.bookworm, found.firmware));
  const built = await buildRatios(pairs, values.original);
  const ratios = [...install, ...built.ratios, start];
  const codes = await countAll(found.firmware.startElf, built.image);
  const costs = await measureInstructions();
  const work = await measureWork(folder, found.bookworm, found.firmware);
  const card = measureCard(folder);
  const login = await measureLogin(folder);
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ ratios, instructions: codes, boots, costs, work, card, login }, undefined, 2)}\n`,
    );
  else printTables(ratios, codes, boots, costs, work, card, login);
});
