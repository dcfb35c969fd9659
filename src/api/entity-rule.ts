/** One side of a rule: who it matches. */
import * as z from 'zod';
import { item, list, struct, text } from './fields.ts';
import * as formats from './formats.ts';
import { newer } from './newer.ts';
import { portList } from './ports.ts';
import { namespaceSelector, selector } from './selector-field.ts';

export const entityRule = () =>
  z.strictObject({
    nets: list(item(formats.prefix)),
    selector: selector(),
    namespaceSelector: namespaceSelector(),
    ...newer({ services: struct({ name: text(formats.name), namespace: text(formats.name) }) }),
    ports: portList(),
    notNets: list(item(formats.prefix)),
    notSelector: selector(),
    notPorts: portList(),
    serviceAccounts: struct({ names: list(item()), selector: namespaceSelector() }),
  });

export type EntityRule = z.output<ReturnType<typeof entityRule>>;
