/** What every program that runs by itself has: a version, and a command line that says little. */
export { commandLine } from './command-line.ts';
export { programPath } from './paths.ts';
export { VERSION } from './version.ts';
