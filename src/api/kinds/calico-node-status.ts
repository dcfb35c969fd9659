/** CalicoNodeStatus: asks a host to write down, time and again, how its BGP does. The host writes `status`. */
import * as z from 'zod';
import { embedded, intOrUnset, item, list, oneOf, refined, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';

const CLASSES = ['Agent', 'BGP', 'Routes'] as const;

const spec = () =>
  part({
    node: item((name) => (name === '' ? 'must name a node' : formats.name(name))),
    classes: refined(z.array(z.enum(CLASSES)).min(1), (classes) =>
      new Set(classes).size === classes.length ? null : 'must name each class once',
    ),
    updatePeriodSeconds: intOrUnset({ min: 0, max: 86400 }),
  });

const bird = () =>
  embedded(
    z.strictObject({
      state: oneOf(['Ready', 'NotReady']),
      version: text(),
      routerID: text(),
      lastBootTime: text(),
      lastReconfigurationTime: text(),
    }),
  );

const count = () => z.int().default(0);

const peers = () =>
  list(
    z.strictObject({
      peerIP: text(),
      type: oneOf(['NodeMesh', 'NodePeer', 'GlobalPeer']),
      state: oneOf(['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Close']),
      since: text(),
    }),
  );

const routes = () =>
  list(
    z.strictObject({
      type: oneOf(['FIB', 'RIB']),
      destination: text(),
      gateway: text(),
      interface: text(),
      learnedFrom: struct({
        sourceType: oneOf(['Kernel', 'Static', 'Direct', 'NodeMesh', 'BGPPeer']),
        peerIP: text(),
      }),
    }),
  );

const status = () =>
  part({
    lastUpdated: z.string().nullable().default(null),
    agent: embedded(z.strictObject({ birdV4: bird(), birdV6: bird() })),
    bgp: embedded(
      z.strictObject({
        numberEstablishedV4: count(),
        numberNotEstablishedV4: count(),
        numberEstablishedV6: count(),
        numberNotEstablishedV6: count(),
        peersV4: peers(),
        peersV6: peers(),
      }),
    ),
    routes: embedded(z.strictObject({ routesV4: routes(), routesV6: routes() })),
  });

const schema = () =>
  resourceSchema('CalicoNodeStatus', clusterMetadata(formats.name), { spec: spec(), status: status() });

export const calicoNodeStatus = defineKind('CalicoNodeStatus', schema);
