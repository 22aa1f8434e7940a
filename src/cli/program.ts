/**
 * The commands and their options; help, completion and the manual page are made from these. A command's own file is loaded
 * only when it is called, so that `--help` is there at once.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import about from '../../package.json' with { type: 'json' };
import { sayHelp, sayHelpAsError, sayResult, setLoudness, type Loudness } from './output.js';
import { commandOf, onUsageErrors } from './usage.js';
import type { BuildOptions } from './build.js';
import type { DoctorOptions } from './doctor.js';
import type { GuestAddOptions } from './guest-add.js';
import type { GuestListOptions } from './guest-list.js';
import type { GuestRemoveOptions } from './guest-remove.js';
import type { GuestRenameOptions } from './guest-rename.js';
import type { GuestSetOptions } from './guest-set.js';
import type { InspectOptions } from './inspect.js';
import type { InstallCommandOptions } from './install.js';
import type { RunOptions } from './run.js';
import type { TryOptions } from './try.js';
import type { UninstallOptions } from './uninstall.js';
import { isTreeAddress } from '../boot/tree-address.js';
import type { Until } from '../engine/verdict.js';

const EXIT_STATUS = `
Exit status:
  0  done; "inspect": a Pi 2 starts from it; "try", "doctor": HYP mode on all cores, with guests: all are up;
     "run": the system powered off, or the script came to its end
  1  the answer is no; "inspect" and "guest list": or something on the card is broken; "run": the system reset the
     board, or a text of the script did not come
  2  refused, failed, could not be read or told; standard error says why and what to do, in two lines,
     with --json in one object on a line: {"error":{"code":…,"message":…,"hint":…}}
  128 and more: ended by a signal, 130 by Ctrl-C`;

/** Milliseconds that a shell waits for what may stand at its cursor. */
const COMPLETION_PATIENCE = 2000;

const TARGET = 'a boot folder, a card image, or a card (/dev/…)';

const GUEST_ADD_EXAMPLE = `
Example:
  hypberry guest add --name web --kernel vmlinuz --initramfs web.cpio sdcard.img
  hypberry guest add --name db --kernel vmlinuz --initramfs db.cpio --disk /srv/db.img,size=8G --net host sdcard.img
  hypberry guest add --name bsd --firmware u-boot.bin --disk /srv/bsd.img --net host sdcard.img
  hypberry try sdcard.img && hypberry install sdcard.img

A guest is a machine that stock kernels know, as QEMU's "virt": RAM at 0x40000000, a GICv2, a PL011 (ttyAMA0), the
generic timer, PSCI 1.1 by HVC, and disks and a network card by virtio (vda, eth0), which hypberryd on the host serves. The
guests share the highest cores, as many as the widest of them has.`;

const GUEST_SET_EXAMPLE = `
Example:
  hypberry guest set sdcard.img web --memory 512 --cores 2
  hypberry guest set sdcard.img web --kernel vmlinuz-6.12 --no-initramfs --cmdline 'console=ttyAMA0 root=/dev/vda'
  hypberry guest set sdcard.img db --disk /srv/more.img,size=8G --remove-disk /srv/old.img --net none
  hypberry try sdcard.img && hypberry install sdcard.img

What is not named stays as it is. "guest list" shows how a guest is now.`;

const TRY_EXAMPLES = `
Example:
  hypberry try sdcard.img
  hypberry try --as-is sdcard.img
  hypberry try --until 0x8000 --trace boot.txt sdcard.img
  hypberry try --until 'Run /init' sdcard.img`;

const RUN_EXAMPLES = `
Example:
  hypberry run sdcard.img
  hypberry run --after-install --fast sdcard.img
  hypberry run --fast --script login.txt sdcard.img

A script:
  expect login:
  send root
  expect #
  send poweroff

"send" types Enter behind its text, unless that ends in \\c; \\n \\r \\t \\b \\e \\\\ \\xHH are characters.
The escape key is Ctrl-]: Ctrl-] q leaves, Ctrl-] ? says what else there is.`;

/** A positive number of seconds. */
function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}

/** A whole number above 0. */
function count(text: string): number {
  if (!/^0*[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number above 0, of at most 15 digits.');
  return Number(text);
}

/** The name of a file or folder. */
function named(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be a name, and not empty.');
  return text;
}

/** Text of a console line: every line has the empty one. */
function consoleText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be text of a console line.');
  return text;
}

/** A TCP port. */
function tcpPort(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 0xffff)
    throw new InvalidArgumentError('It must be a port, from 1 to 65535.');
  return value;
}

/** A 32-bit address, decimal or 0x…. */
function address(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff || text === '') {
    throw new InvalidArgumentError('It must be an address, for example 0x08000000.');
  }
  return value;
}

/** A seed: 32 bits. */
function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 0xffff_ffff)
    throw new InvalidArgumentError('It must be a number from 0 to 4294967295.');
  return value;
}

/** Where a kernel can be told that its tree or ATAGS are. */
function treeAddress(text: string): number {
  const value = address(text);
  if (!isTreeAddress(value)) {
    throw new InvalidArgumentError('It must be a multiple of 4 below the peripherals at 0x3f000000.');
  }
  return value;
}

/** Where a run is to end: an address as 0x…, everything else is text. */
function until(text: string): Until {
  if (/^0x/i.test(text)) return { address: address(text) };
  if (text === '') throw new InvalidArgumentError('It must be an address as 0x…, or text of a console line.');
  return { text };
}

/** What install would do is of use only where it is done. */
const AFTER_INSTALL = { afterInstall: true };

const method = (): Option =>
  new Option('--method <how>', 'how the firmware is made to run the block')
    .choices(['auto', 'kernel_old', 'armstub'])
    .default('auto');

/** Options of every command that takes a target: which part of it. */
const partition = (): Option =>
  new Option(
    '--partition <number>',
    'of a card or an image: this partition, by the number that Linux gives it (logical ones from 5)',
  )
    .argParser(count)
    .conflicts('whole');
const whole = (): Option =>
  new Option(
    '--whole',
    'of a card or an image: all of it as one FAT volume, whatever partition table it has',
  );

/** Options of every command that runs a machine. */
const seedOption = (): Option =>
  new Option(
    '--seed <number>',
    'have a board of another make: what reset leaves unknown and what the VideoCore does with its memory follow from ' +
      'the number; unless given, they are what hurts most',
  ).argParser(seed);

const debuggerPort = (): Option =>
  new Option(
    '--gdb <port>',
    'wait for a debugger on this port of this computer, gdb-multiarch for one; cores are its threads',
  ).argParser(tcpPort);

/** Three states of the two: on, off, and as it was. */
const diagnostics = (): Option =>
  new Option(
    '--diagnostics',
    'block and hypervisor say on the serial port how far each core came; kept by later installs',
  );
const noDiagnostics = (): Option => new Option('--no-diagnostics', 'no more of that');

const dryRun = (): Option => new Option('-n, --dry-run', 'say what would change, and change nothing');

const json = (): Option => new Option('--json', 'print one JSON object, for scripts');

/** Options that `guest add` and `guest set` have in common. */
const kernel = (need: string): Option =>
  new Option(
    '--kernel <file>',
    `${need}its kernel, a 32-bit zImage, flat image, U-Boot image or ELF file`,
  ).argParser(named);
const loadAddress = (otherwise: string): Option =>
  new Option('--load-address <address>', `where a flat image stands and is entered${otherwise}`);
const firmware = (): Option =>
  new Option(
    '--firmware <file>',
    "instead of a kernel: firmware for QEMU's virt, which boots a disk",
  ).argParser(named);
const cmdline = (otherwise: string): Option => new Option('--cmdline <text>', `its command line${otherwise}`);
const disk = (what: string): Option =>
  new Option(
    '--disk <path,size=8G,ro>',
    `${what}: a file or block device of the host by its path; with a size it is made as ` +
      'large where it is not there, with ro it is only read',
  ).argParser(collected);
const net = (otherwise: string): Option =>
  new Option('--net <to>', `a network card to the host, or none${otherwise}`).choices(['host', 'none']);
const forward = (): Option =>
  new Option(
    '--forward <8080:80[/udp]>',
    'a port of the host that leads to one of the guest, of TCP or UDP, as often as there are to be',
  ).argParser(collected);
const virtio = (otherwise: string): Option =>
  new Option(
    '--virtio <version>',
    `of the registers of disks and network card; ${otherwise}auto is 1 for Linux before 4.0, else 2`,
  ).choices(['1', '2', 'auto']);

/** An option that is given as often as there are things. */
const collected = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

/** The `hypberry` command, to be given arguments. */
export function program(): Command {
  const hypberry = new Command('hypberry')
    .description(
      'Starts Linux on a Raspberry Pi 2 in HYP mode, on all four cores, and virtual machines beside it.',
    )
    .version(about.version)
    .option('-q, --quiet', 'print results and errors alone')
    .option('-v, --verbose', 'say on standard error what is read and decided')
    .option('--no-color', 'no colours, panes or moving lines, as with NO_COLOR set')
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .configureOutput({ writeOut: sayHelp, writeErr: sayHelpAsError, outputError: () => undefined })
    .hook('preAction', (_, command) => {
      setLoudness(command.optsWithGlobals<Loudness>());
    })
    .addHelpText('after', '\nExample:\n  hypberry try sdcard.img && hypberry install sdcard.img')
    .addHelpText('afterAll', EXIT_STATUS);

  hypberry
    .command('inspect')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('say what is on a card and whether it starts HYP mode by itself')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry inspect /media/boot')
    .action(async (target: string, options: InspectOptions) => {
      await (await import('./inspect.js')).inspect(target, options);
    });

  hypberry
    .command('try')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('boot the card in an emulated Pi 2, as it would be after install, without changing it')
    .addOption(new Option('--as-is', 'boot it as it is now').conflicts(['method', 'force', 'diagnostics']))
    .addOption(method())
    .option('--force', 'put the block in even where the card starts HYP mode without it')
    .addOption(diagnostics())
    .addOption(noDiagnostics())
    .option('--timeout <seconds>', 'give up after so long; 120 unless given, with guests 300', seconds)
    .addOption(
      new Option('--engine <name>', 'what runs the machine: hypberry itself, or QEMU where it is installed')
        .choices(['built-in', 'qemu'])
        .default('built-in'),
    )
    .option(
      '--until <place>',
      'end the run, not at the verdict, but before the instruction at a virtual address (0x…) on any core, or ' +
        'at a console line that contains a text, and say where each core is; exit status 0 when it came there, else 2',
      until,
    )
    .option(
      '--trace <file>',
      'write what each core executes, 60 to 80 bytes an instruction: until the verdict, Debian makes over 100 ' +
        'gigabytes, so use --until',
      named,
    )
    .option('--overwrite', 'let --trace take the place of a file that is there already')
    .addOption(debuggerPort())
    .option(
      '--console <name>',
      'of a card with guests, show one console alone: host, hypberry, or a guest by its name; and --until looks there only',
    )
    .addOption(seedOption())
    .addOption(json())
    .addHelpText('after', TRY_EXAMPLES)
    .action(async (target: string, options: TryOptions) => {
      await (await import('./try.js')).tryCard(target, options);
    });

  hypberry
    .command('run')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description("boot the card in hypberry's own Pi 2 and work on it: this terminal is its serial console")
    .option(
      '--after-install',
      'boot it as it would be after install, without changing it; --method and --force mean that, too',
    )
    .addOption(method().implies(AFTER_INSTALL))
    .addOption(
      new Option('--force', 'put the block in even where the card starts HYP mode without it').implies(
        AFTER_INSTALL,
      ),
    )
    .option('--fast', 'skip the time in which the Pi is idle; else that passes as on the wall')
    .option('--reboot', 'start again when its system resets the board; else the run ends then')
    .addOption(
      new Option('--write', 'keep what its system writes: on the card, or in the image, itself').conflicts([
        'afterInstall',
        'from',
        'save',
      ]),
    )
    .option(
      '--script <file>',
      'talk to the console by a file: lines "expect TEXT", "send TEXT", "timeout SECONDS" (of the Pi, 120 unless given); ' +
        'exit status 0 at its end, 1 where a text did not come',
      named,
    )
    .option('--record <file>', 'write what is typed, and when, so that the run can be repeated', named)
    .option(
      '--repeat <file>',
      'type what was recorded, at the same times: the same run, instruction for instruction',
      named,
    )
    .option(
      '--until <text>',
      "end the run when this text stands in a line of the host's console",
      consoleText,
    )
    .option(
      '--save <file>',
      'save a snapshot where --until or a script comes to its end, or at Ctrl-] s: memory, processors, devices, and what was ' +
        'written to the card',
      named,
    )
    .addOption(
      new Option('--from <file>', 'go on where a snapshot was saved, with the same card')
        .argParser(named)
        .conflicts(['afterInstall', 'seed']),
    )
    .addOption(debuggerPort())
    .option('--overwrite', 'let --record and --save take the place of files that are there already')
    .addOption(seedOption())
    .addOption(json())
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (target: string, options: RunOptions) => {
      await (await import('./run.js')).run(target, options);
    });

  hypberry
    .command('install')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('make the card start Linux in HYP mode, and with guests the hypervisor that runs them')
    .addOption(method())
    .option('--force', 'put the block in even where the card starts HYP mode without it')
    .addOption(diagnostics())
    .addOption(noDiagnostics())
    .option(
      '--hook',
      'on the Pi itself: have its system run this when its kernels change (Debian and its like); uninstall takes that away',
    )
    .addOption(dryRun())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry install --dry-run /dev/sdb\n  hypberry install /dev/sdb')
    .action(async (target: string, options: InstallCommandOptions) => {
      await (await import('./install.js')).install(target, options);
    });

  hypberry
    .command('uninstall')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('take out what install put in, to the byte')
    .addOption(dryRun())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry uninstall /dev/sdb')
    .action(async (target: string, options: UninstallOptions) => {
      await (await import('./uninstall.js')).uninstall(target, options);
    });

  guestCommands(
    hypberry.command('guest').description('add, change, list and remove the virtual machines of a card'),
  );

  hypberry
    .command('build')
    .description('write the boot block as files, or show its listing')
    .option(
      '--out <folder>',
      'write bootblk.bin (to put in front of a kernel) and hypberry-stub.bin (for armstub=)',
      named,
    )
    .option('--tree <address>', 'where the kernel is told to find its device tree or ATAGS', treeAddress)
    .addOption(
      new Option('--listing', 'print address, word, disassembly and reason of every instruction').conflicts(
        'selftest',
      ),
    )
    .option(
      '--selftest',
      'in their place, hypberry-selftest.img: a kernel that without any Linux tests board, block and hypervisor, and ' +
        'prints a table on the serial port',
    )
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry build --out . && cat bootblk.bin kernel7.img > hyp.img')
    .action(async (options: BuildOptions) => {
      await (await import('./build.js')).build(options);
    });

  hypberry
    .command('doctor')
    .description('on the Pi itself: say what it is, which mode it started in, and what to do next')
    .option(
      '--report <file>',
      'write a text to send: firmware, memory, timers, what the kernel says of HYP mode, the hypervisor and its ' +
        'guests (it reads what the hypervisor has said so far); no names, addresses or serial numbers',
      named,
    )
    .option('--overwrite', 'let --report take the place of a file that is there already')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry doctor\n  sudo hypberry doctor --report pi.txt')
    .action(async (options: DoctorOptions) => {
      await (await import('./doctor.js')).doctor(options);
    });

  hypberry
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print what has a shell complete commands, options, cards and guests')
    .addHelpText(
      'after',
      `
Example:
  eval "$(hypberry completion bash)"         in ~/.bashrc; of zsh in ~/.zshrc, behind compinit
  hypberry completion fish | source          in ~/.config/fish/config.fish`,
    )
    .action(async (shell: string) => {
      const { completionFor } = await import('./completion.js');
      for (const line of completionFor(shell).split('\n')) sayResult(line);
    });
  hypberry
    .command('complete-words', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      // A card that somebody else uses, or that is slow, is left alone.
      setTimeout(() => process.exit(0), COMPLETION_PATIENCE).unref();
      for (const word of await (await import('./completion.js')).complete(hypberry, words)) sayResult(word);
    });

  hypberry
    .command('version')
    .description('print the version')
    .action(() => {
      sayResult(about.version);
    });
  hypberry
    .command('help')
    .argument('[command...]', 'whose help, as in "help guest add"')
    .description('show the help of a command')
    .action((names: readonly string[]) => {
      commandOf(hypberry, names).outputHelp();
    });

  onUsageErrors(hypberry);
  return hypberry;
}

function guestCommands(guest: Command): void {
  guest
    .command('add')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('put a virtual machine on the card, which the next install starts beside its own system')
    .requiredOption('--name <name>', 'needed: what it is called, 1 to 15 of a to z, 0 to 9 and "-"')
    .addOption(kernel('it or --firmware is needed: '))
    .addOption(loadAddress(', 0x40008000 unless the kernel says another place'))
    .addOption(firmware())
    .option('--initramfs <file>', "the kernel's initramfs; NetBSD's memory disk", named)
    .option('--memory <MiB>', 'its memory, an even number, at least 16', count, 256)
    .option('--cores <number>', 'its virtual CPUs, 1 to 3', count, 1)
    .addOption(cmdline('; of Linux "console=ttyAMA0 panic=10" unless given'))
    .addOption(disk('a disk, as often as there are to be'))
    .addOption(net(', as without it'))
    .option('--isolated', 'its network card sees the host alone, no other guest')
    .addOption(forward())
    .addOption(virtio('auto unless given: '))
    .option('--autostart', 'it starts with the Pi, as without it')
    .option('--no-autostart', 'it does not start with the Pi: "hypberryd start" there starts it')
    .addOption(dryRun())
    .addOption(json())
    .addHelpText('after', GUEST_ADD_EXAMPLE)
    .action(async (target: string, options: GuestAddOptions) => {
      await (await import('./guest-add.js')).guestAdd(target, options);
    });

  guest
    .command('set')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .argument('<name>', 'what it is called')
    .description('change a virtual machine of the card; the next install starts it so')
    .addOption(kernel(''))
    .addOption(loadAddress(''))
    .option('--no-load-address', 'where the kernel itself says, or 0x40008000')
    .addOption(firmware())
    .option('--initramfs <file>', "the kernel's initramfs; NetBSD's memory disk", named)
    .option('--no-initramfs', 'no initramfs any more')
    .option('--memory <MiB>', 'its memory, an even number, at least 16', count)
    .option('--cores <number>', 'its virtual CPUs, 1 to 3', count)
    .addOption(cmdline(''))
    .addOption(disk('one more disk, or other settings of the one with this path, as often as needed'))
    .option(
      '--remove-disk <path>',
      'no longer this disk, as often as needed; its file on the host stays',
      collected,
    )
    .addOption(net(''))
    .option('--isolated', 'its network card sees the host alone, no other guest')
    .option('--no-isolated', 'it sees other guests, too')
    .addOption(forward())
    .option(
      '--remove-forward <port>',
      'no longer this port of the host, as often as needed: 8080, 53/udp',
      collected,
    )
    .addOption(virtio(''))
    .option('--autostart', 'it starts with the Pi')
    .option('--no-autostart', 'it does not: "hypberryd start" there starts it')
    .addOption(dryRun())
    .addOption(json())
    .addHelpText('after', GUEST_SET_EXAMPLE)
    .action(async (target: string, name: string, options: GuestSetOptions) => {
      await (await import('./guest-set.js')).guestSet(target, name, options);
    });

  guest
    .command('rename')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .argument('<name>', 'what it is called')
    .argument('<new-name>', 'what it is to be called')
    .description('give a virtual machine of the card another name; from the next install on it has that')
    .addOption(dryRun())
    .addOption(json())
    .addHelpText(
      'after',
      '\nExample:\n  hypberry guest rename sdcard.img web www && hypberry install sdcard.img\n\n' +
        'Its console, disks and the address of its network card stay. "power-key", "--console" and "hypberryd status" use\n' +
        'the new name.',
    )
    .action(async (target: string, name: string, newName: string, options: GuestRenameOptions) => {
      await (await import('./guest-rename.js')).guestRename(target, name, newName, options);
    });

  guest
    .command('list')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .description('show the virtual machines of the card')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry guest list sdcard.img')
    .action(async (target: string, options: GuestListOptions) => {
      await (await import('./guest-list.js')).guestList(target, options);
    });

  guest
    .command('remove')
    .argument('<target>', TARGET)
    .addOption(partition())
    .addOption(whole())
    .argument('<name>', 'what it is called')
    .description('take a virtual machine off the card; the next install starts without it')
    .addOption(dryRun())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  hypberry guest remove sdcard.img web && hypberry install sdcard.img')
    .action(async (target: string, name: string, options: GuestRemoveOptions) => {
      await (await import('./guest-remove.js')).guestRemove(target, name, options);
    });
}
