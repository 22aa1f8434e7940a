/** hypberryd as a service of systemd's. */
import * as L from '../../shared/layout.js';
import { kernelPath, probe } from '../files.js';
import { EINTR, ENOENT, linux } from '../linux.js';
import { endOutput, print } from '../output.js';
import { DONE } from '../statuses.js';
import { putSyslog } from './autostart.js';
import { COMPLETION, installCompletion, uninstallCompletion } from './completion.js';
import { CONTENT, OWN, readWhole, replace } from './replace.js';
import { sayFailed, sayForeign, sayNoSystemctl } from './says.js';
import { isAt, isSameText, lengthOf, putBytes, putText } from '../texts.js';

/** There while systemd runs the system (man 3 sd_booted). */
const RUNNING: string = '/run/systemd/system';
const PROGRAM: string = '/usr/local/sbin/hypberryd';
const PROGRAM_BESIDE: string = '/usr/local/sbin/hypberryd.new';
const UNIT: string = '/etc/systemd/system/hypberryd.service';
const UNIT_BESIDE: string = '/etc/systemd/system/hypberryd.service.new';
/** What the unit begins with: by it, it is known as this program's. */
const MARK: string = '# Made by "hypberryd install"; "hypberryd uninstall" takes it away.\n';
const UNIT_TEXT: string = `[Unit]
Description=Disks and network of Hypberry's guests
ConditionPathExists=/proc/device-tree/hypberry-channel
After=local-fs.target remote-fs.target nftables.service netfilter-persistent.service ufw.service

[Service]
ExecStart=/usr/local/sbin/hypberryd run`;
const GROUP_OPTION: string = ' --group ';
const UNIT_END: string = `
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=300
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
`;
const EXECUTABLE: i32 = 0o755;
const READABLE: i32 = 0o644;
/** Where the vector of arguments stands. */
const ARGUMENTS: usize = <usize>L.SCRATCH;
const TEXTS: usize = <usize>(L.SCRATCH + 0x40);
const RELOAD: string = 'daemon-reload';
/** What is where the unit is to be. */
const ABSENT: i32 = 0;
const OURS: i32 = 1;
const FOREIGN: i32 = 2;
/** How a program that is not there is said to have ended. */
const NOT_FOUND: i32 = 127;

/** Whether systemd runs this system. */
export function isSystemd(): bool {
  return probe(RUNNING) == 0;
}

/** Puts a text with a 0 behind it; gives what is behind that. */
function putArgument(at: usize, text: string): usize {
  const end = putText(at, text);
  store<u8>(end, 0);
  return end + 1;
}

/** Has systemctl do something; what it says goes where this program's own goes. Gives whether it was done. */
function systemctl(command: string, environment: usize): bool {
  endOutput();
  const child = linux.fork();
  if (child == 0) {
    const unit = putArgument(putArgument(TEXTS, 'systemctl'), command);
    putArgument(unit, 'hypberryd.service');
    store<usize>(ARGUMENTS, TEXTS);
    store<usize>(ARGUMENTS, TEXTS + lengthOf('systemctl') + 1, 4);
    // Reading units anew takes the name of none.
    store<usize>(ARGUMENTS, isSameText(command, RELOAD) ? 0 : unit, 8);
    store<usize>(ARGUMENTS, 0, 12);
    linux.execve(kernelPath('/bin/systemctl'), ARGUMENTS, environment);
    linux.execve(kernelPath('/usr/bin/systemctl'), ARGUMENTS, environment);
    linux.exit_group(NOT_FOUND);
  }
  let ended: i32;
  do ended = linux.wait4(child, <usize>L.SCRATCH, 0, 0);
  while (ended == -EINTR);
  return ended == child && load<i32>(<usize>L.SCRATCH) == 0;
}

/** What is where the unit is to be: ABSENT, OURS, FOREIGN, or the error, negated. */
function lookAtUnit(): i32 {
  const length = readWhole(UNIT, 0);
  if (length == -ENOENT) return ABSENT;
  if (length < 0) return length;
  return length >= lengthOf(MARK) && isAt(CONTENT, MARK) ? OURS : FOREIGN;
}

/**
 * Installs the service, or a newer program of it, and has it run.
 * @param environment as main has it
 * @param group the name of the group that may look at guests, too; 0 for none
 * @returns the exit status
 */
export function installForSystemd(environment: usize, group: usize): i32 {
  const unit = lookAtUnit();
  if (unit < 0) return sayFailed(UNIT, -unit);
  if (unit == FOREIGN) return sayForeign(UNIT);
  // Whoever has made the program's file without the unit was not this.
  if (unit == ABSENT && probe(PROGRAM) != -ENOENT) return sayForeign(PROGRAM);
  let end = putText(putText(CONTENT, MARK), UNIT_TEXT);
  if (group != 0) end = putBytes(putText(end, GROUP_OPTION), group);
  end = putText(putSyslog(end), UNIT_END);
  let error = replace(UNIT, UNIT_BESIDE, CONTENT, <u32>(end - CONTENT), READABLE);
  if (error != 0) return sayFailed(UNIT, error);
  const length = readWhole(OWN, 0);
  if (length < 0) return sayFailed(OWN, -length);
  error = replace(PROGRAM, PROGRAM_BESIDE, CONTENT, length, EXECUTABLE);
  if (error != 0) return sayFailed(PROGRAM, error);
  error = installCompletion();
  if (error != 0) return sayFailed(COMPLETION, error);
  const runs =
    systemctl(RELOAD, environment) && systemctl('enable', environment) && systemctl('restart', environment);
  if (!runs) return sayNoSystemctl();
  print('hypberryd is installed as ');
  print(PROGRAM);
  print(' and runs as a service, hypberryd.service.\n');
  return DONE;
}

/** Whether there is a unit of this program's. */
export function isInstalledForSystemd(): bool {
  return lookAtUnit() == OURS;
}

/** Takes away what installForSystemd has made; gives the exit status. */
export function uninstallForSystemd(environment: usize): i32 {
  if (!(systemctl('stop', environment) && systemctl('disable', environment))) return sayNoSystemctl();
  // The unit goes last: as long as it is there, the program's file is known as this one's.
  let error = -linux.unlink(kernelPath(PROGRAM));
  if (error != 0 && error != ENOENT) return sayFailed(PROGRAM, error);
  error = uninstallCompletion();
  if (error != 0) return sayFailed(COMPLETION, error);
  error = -linux.unlink(kernelPath(UNIT));
  if (error != 0) return sayFailed(UNIT, error);
  systemctl(RELOAD, environment);
  print('hypberryd is no service of this system any more. Guests with disks or a network wait for it.\n');
  return DONE;
}
