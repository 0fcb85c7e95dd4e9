import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portConflict, sayPorts, unitePorts } from './ports.ts';

const http = { name: 'http', port: 80 };

test('the ports of all members are there; the leader decides where they have the same number', () => {
  const said = [
    sayPorts([
      { name: 'web', port: 80 },
      { name: 'admin', port: 9090, targetPort: 'x' },
    ]),
  ];
  assert.deepEqual(unitePorts([http], said), [http, { name: 'admin', port: 9090 }]);
  assert.deepEqual(unitePorts([{ port: 80 }], []), [{ port: 80 }]);
});

test('a name belongs to the first port that has it; among several every port has one', () => {
  const said = [sayPorts([{ name: 'http', port: 8080 }]), sayPorts([{ port: 53, protocol: 'UDP' }])];
  const united = unitePorts([http], said);
  assert.deepEqual(united, [http, { name: 'udp-53', port: 53, protocol: 'UDP' }]);
  assert.match(portConflict([{ name: 'http', port: 8080 }], united) ?? '', /port 8080 is not there: http is port 80$/);
});

test('what somebody else wrote there is left out', () => {
  assert.deepEqual(unitePorts([http], ['{', '5', '[{"port":"80"},{"port":70000},null]']), [http]);
});

test('a member whose ports are called otherwise is told which', () => {
  const united = unitePorts([{ ...http, appProtocol: 'kubernetes.io/h2c' }], [sayPorts([{ port: 9090 }])]);
  assert.equal(portConflict([{ port: 9090 }], united), undefined);
  assert.equal(
    portConflict(
      [
        { name: 'web', port: 80 },
        { name: 'x', port: 7 },
      ],
      united,
    ),
    'Ports differ from those of the federated service: port 80 has name "web" here, "http" there; ' +
      'port 80 has appProtocol "" here, "kubernetes.io/h2c" there; port 7 is not there',
  );
});
