/** What every program that runs by itself has: a version, a command line that says little, a place for what it keeps. */
export { commandLine } from './command-line.ts';
export { programPath, runDirectory } from './paths.ts';
export { VERSION } from './version.ts';
