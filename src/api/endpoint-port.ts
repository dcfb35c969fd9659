/** A named port of an endpoint, which rules can refer to. */
import * as z from 'zod';
import { integer, item, refined, text } from './fields.ts';
import * as formats from './formats.ts';
import { isPortProtocol, portName, protocol } from './ports.ts';

const shape = () => ({ name: item(portName), protocol, port: integer({ min: 1, max: 65535 }) });

const checked = <T extends z.ZodType<{ protocol: string | number }>>(schema: T) =>
  refined(schema, ({ protocol }) => (isPortProtocol(protocol) ? null : 'needs protocol TCP, UDP or SCTP'));

export const endpointPort = () => checked(z.strictObject(shape()));

/** `hostPort` and `hostIP` are known to Calico from v3.20 on. */
export const workloadPort = () =>
  checked(
    z.strictObject({ ...shape(), hostPort: integer({ min: 0, max: 65535 }).optional(), hostIP: text(formats.ip) }),
  );
