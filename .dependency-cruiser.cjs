// The table of allowed imports (rooms.json) as dependency-cruiser rules.
const { pure, edges, everyone } = require('./rooms.json');
const fs = require('node:fs');

const rooms = fs.readdirSync(`${__dirname}/src`, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => e.name);
const allowed = (room) => [...everyone.map((e) => e.room), ...edges.filter((e) => e.from === room).map((e) => e.to)];

module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `room-${room}`,
      comment: `what src/${room} may import stands in rooms.json`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: [room, ...allowed(room)].map((r) => `^src/${r}/`) },
    })),
    ...pure.map((room) => ({
      name: `pure-${room}`,
      comment: 'a pure room does no I/O',
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    })),
    { name: 'no-circular', severity: 'error', from: { path: '^src/' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } },
};
