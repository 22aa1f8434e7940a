/** hypberryd: reads its arguments and does what they say. Compiled by scripts/build-hypberryd.ts. */
import { VERSION } from './generated/about.js';
import { beginError, endError, endOutput, print, printForeign, printNumber } from './output.js';
import { install, uninstall } from './service/install.js';
import { status } from './status.js';
import { DONE, FAILED } from './statuses.js';
import { run } from './supervisor/run.js';

function printHelp(): void {
  print('Usage: hypberryd COMMAND\n\n');
  print("The host's end of guests' disks and network.\n\n");
  print('  install     have it run whenever this system does, or a newer one\n');
  print('  uninstall   take that away\n');
  print('  status      say what is there, and whether it is served\n');
  print('  run         serve, until it is told to end by a signal: what the service does\n');
  print('  --version   print the version\n');
  print('  --help      print this\n\n');
  print('Example, after the first start with guests that have disks or a network:\n\n');
  print('  sudo /boot/firmware/hypberryd install\n\n');
  print("The network's interface is hypberry0; the host's address there is 192.168.77.1.\n\n");
  print('Exit status: 0 done, or all is served; 1 the answer is no; 2 refused or failed.\n');
}

/** Whether bytes up to a 0 are those of a text, ASCII. */
function isText(at: usize, text: string): bool {
  const from = changetype<usize>(text);
  const length: usize = text.length;
  for (let i: usize = 0; i < length; i++) if (load<u8>(at + i) != load<u8>(from + (i << 1))) return false;
  return load<u8>(at + length) == 0;
}

function refuse(sentence: string, argument: usize, code: string): i32 {
  beginError();
  print(sentence);
  print(' "');
  printForeign(argument);
  print('".');
  endError(code, '"hypberryd --help" says what there is.');
  return FAILED;
}

/** Does what the first argument says. */
function obey(count: i32, argv: usize, environment: usize): i32 {
  if (count < 2) {
    beginError();
    print('There is no command.');
    endError('usage.no-command', '"hypberryd --help" says what there is.');
    return FAILED;
  }
  const command = load<usize>(argv, 4);
  const isRun = isText(command, 'run');
  const isStatus = isText(command, 'status');
  const isInstall = isText(command, 'install');
  const isUninstall = isText(command, 'uninstall');
  const isVersion = isText(command, '--version');
  const isHelp = isText(command, '--help');
  if (!(isRun || isStatus || isInstall || isUninstall || isVersion || isHelp))
    return refuse('There is no command', command, 'usage.unknown-command');
  if (count > 2) return refuse('There is no use for', load<usize>(argv, 8), 'usage.too-many');
  if (isRun) return run();
  if (isStatus) return status();
  if (isInstall) return install(environment);
  if (isUninstall) return uninstall(environment);
  if (isVersion) {
    print(VERSION);
    print('\n');
  } else printHelp();
  return DONE;
}

/** Gives the exit status. */
export function main(count: i32, argv: usize, environment: usize): i32 {
  const exitStatus = obey(count, argv, environment);
  const error = endOutput();
  if (error == 0) return exitStatus;
  beginError();
  print('The output could not be written, error ');
  printNumber(error);
  print('.');
  endError('output.failed', 'See that what it goes to is there and has room.');
  return FAILED;
}
