import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { askHypervisor, hypervisorPort } from '../../src/node/hypervisor-port.js';
import { readPi, readPiDetails } from '../../src/node/pi.js';
import { doctor, reportPi } from '../../src/usecases/doctor.js';
import { install } from '../../src/usecases/install.js';
import { temporary } from '../card/images.js';
import { hypberry } from '../cli/run.js';
import { bootPartition, guestFiles, HOST_TREE } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';

/** What must not be in a report, each in every place that it may come from. */
const THEIRS = {
  host: 'alices-pi',
  user: 'alice',
  place: 'Alice Jones, Elm Street 5',
  serial: '00000000b1c2d3e4',
  mac: 'b8:27:eb:c2:d3:e4',
  ip: '192.168.17.42',
  ipv6: 'fd12:3456:789a::1',
  guest: 'payroll',
  argument: 'secret=hunter2',
  builder: 'alice@workshop',
  network: 'JonesWifi',
} as const;
const ALL = Object.values(THEIRS).join(' ');

const KERNEL_LOG = `
[    0.000000] Booting Linux on physical CPU 0xf00 ${ALL}
[    0.000000] Linux version 6.1.21-v7+ (${THEIRS.builder}) (gcc) #1642 SMP
[    0.000000] OF: fdt: Machine model: Raspberry Pi 2 Model B Rev 1.1 ${THEIRS.place}
[    0.000000] Kernel command line: ${THEIRS.argument} smsc95xx.macaddr=${THEIRS.mac} ip=${THEIRS.ip}
[    0.000000] Memory: 945364K/970752K available (8192K kernel code) ${THEIRS.user}
[    0.006] smp: Brought up 1 node, 4 CPUs
[    0.007] CPU: All CPU(s) started in HYP mode. ${THEIRS.host}
[    0.008] arch_timer: cp15 timer(s) running at 19.20MHz (phys).
[    0.009] raspberrypi-firmware soc:firmware: Attached to firmware from 2023-03-17T10:52:42
[    1.0] ${THEIRS.user} CPU1: failed to come online ${THEIRS.ip}
[    2.0] smsc95xx 1-1.1:1.0 eth0: register 'smsc95xx' at usb, ${THEIRS.mac}
[    3.0] systemd[1]: Set hostname to <${THEIRS.host}>. ${THEIRS.ipv6} ${THEIRS.network}
[    4.0] usb 1-1.2: SerialNumber: ${THEIRS.serial}
`;

/** A running system all of whose files tell of its user. */
function personalRoot(): string {
  const at = temporary('root');
  const files: Record<string, string | Uint8Array> = {
    'proc/cpuinfo': `processor\t: 0\nmodel name\t: ARMv7 ${ALL}\nHardware\t: BCM2835\nRevision\t: a01041\nSerial\t\t: ${THEIRS.serial}\nModel\t: ${THEIRS.place}\n`,
    'proc/device-tree/model': `Raspberry Pi 2 Model B Rev 1.1 ${THEIRS.place}\0`,
    'proc/device-tree/serial-number': `${THEIRS.serial}\0`,
    'proc/device-tree/compatible': `raspberrypi,2-model-b\0brcm,bcm2836\0${THEIRS.host}\0`,
    'proc/device-tree/memory@0/reg': Uint8Array.of(0, 0, 0, 0, 0x3b, 0x40, 0, 0),
    'proc/device-tree/serial@40010000/status': 'okay\0',
    'proc/sys/kernel/osrelease': `6.1.21-v7+${THEIRS.user}\n`,
    'proc/sys/kernel/hostname': `${THEIRS.host}\n`,
    'proc/cmdline': `dwc_otg.fiq_enable=1 maxcpus=4 ${THEIRS.argument} cma=${THEIRS.user} root=UUID=${THEIRS.serial} ip=${THEIRS.ip} smsc95xx.macaddr=${THEIRS.mac} user=${THEIRS.user}\n`,
    'proc/interrupts': `           CPU0       CPU1\n 17:       1234       5678  bcm2836-timer   1 Edge      arch_timer\n 60:          9          0  ${THEIRS.guest} ${ALL}\nFIQ:   usb_fiq\nIPI2:   1   2  Rescheduling interrupts ${THEIRS.user}\n`,
    'sys/devices/system/cpu/online': '0-2\n',
    'sys/devices/system/clocksource/clocksource0/current_clocksource': 'arch_sys_counter\n',
    'etc/hostname': `${THEIRS.host}\n`,
    'boot/config.txt': '',
  };
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(at, name)), { recursive: true });
    fs.writeFileSync(path.join(at, name), data);
  }
  return at;
}

/** A card with a guest, whose user has written into config.txt what only concerns him. */
async function personalCard(): Promise<ReturnType<typeof changeableCard>> {
  const config = `gpu_mem=64\ninit_uart_clock=3000000\nhdmi_edid_filename=${THEIRS.user}\ncore_freq=${THEIRS.user}\n# ${ALL}\ndtparam=${THEIRS.network}\nramfsaddr=${THEIRS.place}\n`;
  const files = bootPartition('hyp', {
    'config.txt': config,
    'bcm2709-rpi-2-b.dtb': HOST_TREE,
    ...guestFiles(THEIRS.guest),
  });
  const card = changeableCard(files);
  await install({ openCard: async () => card }, { method: 'auto', diagnostics: true });
  return card;
}

const answer = (ticks: string, microseconds: string): string =>
  [
    'core timers, control 0x00000000, prescaler 0x80000000, CNTFRQ 0x0124f800',
    `core timers counted ${ticks} at microsecond ${microseconds}`,
    "memory, the host's to 0x03800000, all to 0x3b400000",
    `${THEIRS.guest}: 1 of its CPUs on`,
    `${THEIRS.guest}: crashed: no exception vectors, pc 0x00000004, address 0x00000008; restarts`,
    `${THEIRS.place}: ${THEIRS.user}`,
    `${THEIRS.user} ${THEIRS.ip}`,
    'end of state',
  ]
    .map((line) => `hypberry: ${line}\r\n`)
    .join('');
/** Two answers, in which 1 s of microseconds is 19.2 million ticks; the second timer has wrapped. */
const SAID = `${ALL}\r\nhypberry: 4 cores in HYP mode, host on cores 0 to 2\r\n${answer('0xffffff00', '0xfffffff0')}${answer('0x0124f700', '0x000f4230')}`;

async function reportOf(root: string): Promise<string> {
  const card = await personalCard();
  const examined = await doctor({
    readPi: () => readPi(root, () => KERNEL_LOG),
    openFolder: () => async () => card,
    hooks: () => [],
  });
  return reportPi(examined, {
    version: '0.1.0',
    readDetails: () => readPiDetails(root),
    askHypervisor: async () => ({ text: SAID }),
  });
}

describe('a report of a Pi', () => {
  test('has nothing of its user, whatever the system says', async () => {
    const report = await reportOf(personalRoot());
    const words = Object.values(THEIRS).flatMap((it) => [it, ...it.split(/[^\w.:]+/)]);
    for (const word of words.filter((it) => it.length > 2))
      expect(report.toLowerCase()).not.toContain(word.toLowerCase());
    expect(report).not.toMatch(/[^\x20-\x7e\n]/);
  });

  test('has what only a real board can tell', async () => {
    const report = await reportOf(personalRoot());
    for (const line of [
      'revision: 0xa01041',
      'cores on: 0-2',
      'running since the start: 2023-03-17T10:52:42',
      'memory in the device tree: 0x00000000 to 0x3b400000',
      "hypberry's lines in config.txt: diagnostics, kernel, armstub and device_tree",
      'gpu_mem=64',
      'init_uart_clock=3000000',
      'guest 1: 0x2000000 bytes, on cores 3',
      'release: 6.1.21-v7+, and a name of its own',
      'clock: arch_sys_counter',
      'of its command line: dwc_otg.fiq_enable=1 maxcpus=4',
      'interrupts, arch_timer: 1234 5678',
      'interrupts, Rescheduling interrupts: 1 2',
      'said: CPU: All CPU(s) started in HYP mode',
      'said: CPU1: failed to come online',
      'said: arch_timer: cp15 timer(s) running at 19.20MHz (phys)',
      'said: Memory: 945364K/970752K available',
      'core timers, control 0x00000000, prescaler 0x80000000, CNTFRQ 0x0124f800',
      '4 cores in HYP mode, host on cores 0 to 2',
      'guest 1: 1 of its CPUs on',
      'guest 1: crashed: no exception vectors, pc 0x00000004, address 0x00000008; restarts',
      "core timers' rate by these: 19.2000 MHz",
    ])
      expect(report.split('\n')).toContain(`  ${line}`);
    expect(report).toMatch(/^ {2}start\.elf on the card: [A-Z][a-z]{2} [ \d]\d \d{4}/m);
  });

  test('of a machine that tells nothing says so', async () => {
    const root = temporary('root');
    fs.mkdirSync(root);
    const examined = await doctor({
      readPi: () => readPi(root, () => undefined),
      openFolder: () => () => Promise.reject(new Error('not there')),
      hooks: () => [],
    });
    const report = await reportPi(examined, {
      ...{ version: '0.1.0', readDetails: () => readPiDetails(root), askHypervisor: undefined },
    });
    for (const line of [
      'model: not known',
      'memory in the device tree: not known',
      'its log could not be read',
    ])
      expect(report.split('\n')).toContain(`  ${line}`);
  });
});

describe("the hypervisor's port", () => {
  test.each([
    ['today', '40010000.serial/40010000.serial:0/40010000.serial:0.0'],
    ['of 4.19', '40010000.serial'],
  ])('is found by its device, whatever its number: as kernels have it %s', (_, device) => {
    const root = personalRoot();
    for (const [port, of] of [
      ['ttyAMA0', 'devices/platform/soc/3f201000.serial'],
      ['ttyAMA3', `devices/platform/${device}`],
      ['ttyAMA4', 'devices/platform/40011000.serial'],
    ] as const) {
      fs.mkdirSync(path.join(root, 'sys', of), { recursive: true });
      fs.mkdirSync(path.join(root, 'sys/class/tty', port), { recursive: true });
      fs.symlinkSync(path.join(root, 'sys', of), path.join(root, 'sys/class/tty', port, 'device'));
    }
    expect(hypervisorPort(root)).toBe(path.join(root, 'dev/ttyAMA3'));
  });

  test('is none without a hypervisor', () => {
    expect(hypervisorPort(personalRoot())).toBeUndefined();
  });

  test('is asked twice, and read from what was said before on', async () => {
    // script(1) gives a terminal: what is written to it comes out here, what goes in here is read from it.
    const terminal = spawn('script', ['-qfc', 'stty raw -echo; tty; exec sleep 60', '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    try {
      let came = '';
      const port = new Promise<string>((resolve) => {
        terminal.stdout.setEncoding('latin1').on('data', (text: string) => {
          came += text;
          const found = /(\/dev\/pts\/\d+)\s/.exec(came)?.[1];
          if (found !== undefined) resolve(found);
          if (!text.includes('state')) return;
          terminal.stdin.write(
            came.match(/state/g)!.length === 1 ? SAID : answer('0x00000002', '0x00000002'),
          );
        });
      });
      const says = await askHypervisor(await port);
      expect(says).toEqual({ text: `${SAID}${answer('0x00000002', '0x00000002')}` });
    } finally {
      terminal.kill('SIGKILL');
    }
  });

  test('that cannot be opened is told, and nothing of it', async () => {
    expect(await askHypervisor('/no/such/port')).toEqual({
      missing: expect.stringMatching(/^its console could not be asked/) as string,
    });
  });
});

test('doctor --report writes a new file, or with --overwrite takes the place of one', async () => {
  const file = temporary('report.txt');
  const written = await hypberry(['doctor', '--report', file]);
  expect(written.stdout).toContain(`Written to ${file}`);
  const begin = /^hypberry \d+\.\d+\.\d+: report of a Raspberry Pi/;
  expect(fs.readFileSync(file, 'utf8')).toMatch(begin);
  fs.writeFileSync(file, 'mine');
  const refused = await hypberry(['doctor', '--report', file]);
  expect([refused.status, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain('file.exists');
  expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  await hypberry(['doctor', '--report', file, '--overwrite']);
  expect(fs.readFileSync(file, 'utf8')).toMatch(begin);
});
