/**
 * Makes a card image from Debian's kernel and today's firmware, and takes it through the real command line: what is
 * on it, what install would do, the boot block put in by each method, a boot by each, and out again; then a guest beside
 * a host, each with Debian's kernel, and a web server in a guest of a Debian host, whose page is fetched.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './lib/cache.js';
import { BOOT_OFFSET, bootFiles, makeCardImage } from './lib/card-image.js';
import { ANSWER, demoSystems } from './lib/demo-systems.js';
import { inputs, type Inputs } from './lib/inputs.js';
import { reportErrors } from './lib/report.js';
import { run } from './lib/run.js';
import { cardTools, ensureTools } from './lib/tools.js';

const program = fileURLToPath(new URL('../bin/hypberry.js', import.meta.url));
const folder = join(cacheFolder, 'try');
const IMAGE = 'card.img';
const GUEST_IMAGE = 'card-with-guest.img';

const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

/** A line of the kernel's console, as "hypberry try" shows it: seconds since the start, then the kernel's text. */
const CONSOLE_LINE = /^ *\d+\.\d s {2}(.*)$/;

/** What is a line of a console that is shown: of the hypervisor, or of the host about its guest. */
const TELLING_OF_GUESTS = /^hypberry|says: |Run .init/;

/** What of the console is worth reading here; the rest is counted. */
const TELLING =
  /Booting Linux|Linux version|Machine model|smp: Br|CPU: All|CPU: WARNING|Virtualization|panic/;

/** Characters of a console line that are shown. */
const WIDTH = 108;

/** Prints lines as they come, of a kernel's console only the telling ones. */
function shortener(): { line: (text: string) => void; end: () => void } {
  let left = 0;
  const end = (): void => {
    if (left > 0) say(`            … ${left} more line${left === 1 ? '' : 's'} of the kernel`);
    left = 0;
  };
  return {
    line: (text) => {
      const console = CONSOLE_LINE.exec(text)?.[1];
      if (console !== undefined && !TELLING.test(console) && !TELLING_OF_GUESTS.test(console)) {
        left++;
        return;
      }
      end();
      say(console !== undefined && text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text);
    },
    end,
  };
}

/** Runs the built command where the image is, and shows both. Gives its exit status and output. */
async function hypberry(...args: readonly string[]): Promise<{ status: number | null; output: string }> {
  say(`$ hypberry ${args.join(' ')}`);
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const shown = shortener();
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    shown.line(line);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  shown.end();
  say();
  return { status, output: lines.join('\n') };
}

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The boot partition's files by mtools: names, and config.txt's bytes. */
async function cardContent(): Promise<string> {
  const partition = ['-i', `${join(folder, IMAGE)}@@${BOOT_OFFSET}`];
  const names = await run('mdir', [...partition, '-b', '::']);
  return `${names.split('\n').sort().join('\n')}\n${await run('mtype', [...partition, '::config.txt'])}`;
}

/** Something that was looked at, and whether it came out as it should. */
interface Finding {
  readonly what: string;
  readonly isSo: boolean;
}

async function demonstrate(): Promise<void> {
  const begin = performance.now();
  await ensureTools(cardTools);
  const found = await inputs();
  process.stderr.write('building hypberry\n');
  await run('npm', ['run', '--silent', 'build'], { cwd: fileURLToPath(new URL('..', import.meta.url)) });
  await mkdir(folder, { recursive: true });
  const config = '# The config.txt of a card that is also used in a Pi 3.\r\n[pi3]\r\nenable_uart=1\r\n';
  await makeCardImage(join(folder, IMAGE), await bootFiles(found.trixie, found.firmware, { config }));

  const from = [found.trixie.version, 'raspi-firmware'].filter((it) => it !== '').join(', ');
  say(`A card image with Debian's kernel, device tree and firmware (${from}):`);
  say(join(folder, IMAGE));
  say();

  const findings: Finding[] = [];
  const expectThat = (what: string, isSo: boolean): void => {
    findings.push({ what, isSo });
  };
  const before = await cardContent();
  const sum = sumOf(await readFile(join(folder, IMAGE)));

  const inspected = await hypberry('inspect', IMAGE);
  expectThat('inspect reads the card', inspected.status === 0);
  const auto = await hypberry('install', IMAGE);
  const unchanged = sumOf(await readFile(join(folder, IMAGE))) === sum;
  expectThat(
    'install finds that this firmware starts HYP mode already, and changes nothing',
    auto.status === 0 && auto.output.includes('Nothing to do') && unchanged,
  );

  for (const method of ['armstub', 'kernel_old']) {
    const installed = await hypberry('install', '--method', method, IMAGE);
    const booted = await hypberry('try', '--as-is', IMAGE);
    const taken = await hypberry('uninstall', IMAGE);
    expectThat(
      `with our block by ${method}, the kernel says that all cores started in HYP mode`,
      installed.status === 0 &&
        booted.status === 0 &&
        booted.output.includes('CPU: All CPU(s) started in HYP mode.'),
    );
    expectThat(
      'uninstall leaves the files and the config.txt that were there',
      taken.status === 0 && (await cardContent()) === before,
    );
  }
  await demonstrateGuest(found, expectThat);
  await demonstrateWeb(expectThat);

  const width = Math.max(...findings.map(({ what }) => what.length));
  for (const { what, isSo } of findings) say(`${what.padEnd(width)}  ${isSo ? 'yes' : 'NO'}`);
  say(`${((performance.now() - begin) / 1000).toFixed(0)} s in all.`);
  process.exitCode = findings.every(({ isSo }) => isSo) ? 0 : 1;
}

/** A card with a host that comes to its shell, and a guest that is added to it. */
async function demonstrateGuest(
  { bookworm, firmware, busybox }: Inputs,
  expectThat: (what: string, isSo: boolean) => void,
): Promise<void> {
  const { host, guest } = await demoSystems(busybox);
  const options = { config: 'auto_initramfs=1\n', more: new Map([['initramfs7', host]]) };
  await makeCardImage(join(folder, GUEST_IMAGE), await bootFiles(bookworm, firmware, options));
  await writeFile(join(folder, 'vmlinuz'), await readFile(bookworm.vmlinuz));
  await writeFile(join(folder, 'web.cpio'), guest);
  const files = ['--kernel', 'vmlinuz', '--initramfs', 'web.cpio'];
  const added = await hypberry('guest', 'add', '--name', 'web', ...files, GUEST_IMAGE);
  const tried = await hypberry('try', '--until', `${ANSWER}(none)`, GUEST_IMAGE);
  expectThat(
    "Debian's kernel as host and as guest: the host's shell asks the guest's for its kernel",
    added.status === 0 && tried.status === 0,
  );
}

/**
 * A Debian host that fetches a page of a web server in its guest, while hypberryd is killed, then the guest. It goes on from a
 * snapshot, as two Debians take minutes to start.
 */
async function demonstrateWeb(expectThat: (what: string, isSo: boolean) => void): Promise<void> {
  // It imports what the build has made.
  const { UP, webSnapshot } = await import('./lib/web-card.js');
  const made = relative(folder, await webSnapshot());
  const script = [
    'timeout 300',
    'send echo "# The host fetches a page of the guest:"; get /index.cgi',
    'expect visits',
    'send echo "# hypberryd is killed, and a visit kept all the same:"; kill -9 $(pidof hypberryd); get /visit.cgi?one',
    'expect kept one',
    'send echo "# The guest is killed, and starts again:"; get /crash.cgi &',
    `expect ${UP}, ok`,
    'send echo "# The visit is there:"; get /visits.cgi',
    'expect one',
  ];
  await writeFile(join(folder, 'fetch.txt'), `${script.join('\n')}\n`);
  const from = ['--from', join(made, 'up.snapshot'), '--script', 'fetch.txt', join(made, 'card.img')];
  const { status, output } = await hypberry('run', '--fast', ...from);
  expectThat(
    'a guest with a disk and a network, a web server with a database in it: the host fetches its page',
    status === 0 && /<h1>A page of the guest's/.test(output),
  );
}

await reportErrors(demonstrate);
