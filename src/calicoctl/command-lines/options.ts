/** Options and help that several commands share. */
import { type Command, Option } from 'commander';
import { KIND_NAMES } from '../../api/kind-names.ts';

/** The options of every command that asks the datastore. */
export function connected(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration file of the datastore (default: /etc/calico/calicoctl.cfg)')
    .addOption(new Option('--context <name>', 'the context of the kubeconfig').hideHelp())
    .addOption(new Option('--allow-version-mismatch').hideHelp());
}

/** The options of every command that reads resources from a file. */
export function fromFile(command: Command, required: boolean): Command {
  const file = new Option('-f, --filename <file>', 'a YAML or JSON file, a folder of them, or - for standard input');
  return command
    .addOption(file.makeOptionMandatory(required))
    .option('-R, --recursive', 'in a folder, read the folders in it too')
    .option('--skip-empty', 'no resources in the file is no error');
}

export function inNamespace(command: Command, about: string): Command {
  return command.option('-n, --namespace <namespace>', about);
}

/** Another short name for an option, which upstream has or had. */
export function alsoShort(command: Command, short: string, long: string): Command {
  const twin = new Option(`-${short}`).hideHelp();
  return command.addOption(twin).on(`option:${short}`, () => command.setOptionValue(long, true));
}

export function kindsHelp(): string {
  const names = Object.values(KIND_NAMES).flatMap(({ kind, keeper }) => (keeper ? [] : [kind]));
  return `\nKinds: ${wrapped(names)};\nin any case, singular or plural, or short (gnp, np, hep, wep, …).`;
}

function wrapped(words: readonly string[]): string {
  let column = 'Kinds: '.length;
  return words.reduce((text, word, i) => {
    const separator = i === 0 ? '' : column + word.length > 115 ? ',\n' : ', ';
    column = separator === ',\n' ? word.length : column + separator.length + word.length;
    return text + separator + word;
  }, '');
}
