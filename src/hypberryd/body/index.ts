/** hypberryd: reads its arguments and does what they say. Compiled by scripts/build-hypberryd.ts. */
import { GROUP, SYSLOG, readArguments, refuse, said } from './arguments.js';
import { NO_COMMAND, change, look } from './guests/commands.js';
import { VERSION } from './generated/about.js';
import { beginError, endError, endOutput, print, printNumber } from './output.js';
import { install, uninstall } from './service/install.js';
import { DONE, FAILED } from './statuses.js';
import { isText } from './texts.js';
import { run } from './supervisor/run.js';

function printHelp(): void {
  print('Usage: hypberryd COMMAND\n\n');
  print("The host's end of guests: their disks, their network, and what is done with them here.\n\n");
  print('  list        list the guests; --json, --names\n');
  print('  info        say all of guest NAME; --json\n');
  print('  metrics     print what guests do and have had, for Prometheus; --file FILE puts\n');
  print('              it there, whole, as the textfile folder of node_exporter wants\n');
  print('  log         print what guest NAME has said on its console, the last 64 KiB\n');
  print("  console     attach this terminal to guest NAME's console; Ctrl-] leaves it\n");
  print('  start       start guests NAME... that are off\n');
  print('  stop        press the power keys of guests NAME..., and switch off those that\n');
  print('              are not off after 30 s; --timeout SECONDS\n');
  print('  kill        switch guests NAME... off at once\n');
  print('  restart     stop, then start guests NAME...; --timeout SECONDS\n');
  print('  autostart   have guests NAME... start with the Pi; --disable: no longer\n\n');
  print('  install     have it run whenever this system does, or a newer one; with\n');
  print('              --group GROUP who is in GROUP may list, info, log, metrics, status;\n');
  print("              with --syslog guests' consoles go to the system's log, too\n");
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

/** Does what the first argument says. */
function obey(count: i32, argv: usize, environment: usize): i32 {
  if (count < 2) {
    beginError();
    print('There is no command.');
    endError('usage.no-command', '"hypberryd --help" says what there is.');
    return FAILED;
  }
  const command = load<usize>(argv, 4);
  let exitStatus = look(count, argv, true);
  if (exitStatus == NO_COMMAND) exitStatus = change(count, argv);
  if (exitStatus != NO_COMMAND) return exitStatus;
  const isRun = isText(command, 'run');
  const isInstall = isText(command, 'install');
  const isUninstall = isText(command, 'uninstall');
  const isVersion = isText(command, '--version');
  const isHelp = isText(command, '--help');
  if (!(isRun || isInstall || isUninstall || isVersion || isHelp))
    return refuse('There is no command', command, 'usage.unknown-command');
  const read = readArguments(count, argv, isRun || isInstall ? GROUP | SYSLOG : 0);
  if (read != DONE) return read;
  if (isRun) return run(said().text);
  if (isInstall) return install(environment, said().text);
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
