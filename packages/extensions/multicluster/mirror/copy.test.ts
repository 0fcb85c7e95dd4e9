import assert from 'node:assert/strict';
import { test } from 'node:test';
import { federatedAnnotations } from './copy.ts';

const ORDER = 'balancer.weft.dev/cluster-order';
const WEIGHTS = 'balancer.weft.dev/cluster-weights';
const FROM = 'multicluster.weft.dev/from-member';

test('what is said on the federated service about its clusters stays there', () => {
  const first = federatedAnnotations({ team: 'a' }, {}, []);
  assert.deepEqual(first, { team: 'a' });
  assert.deepEqual(federatedAnnotations({ team: 'b' }, { ...first, [ORDER]: 'local,east' }, []), {
    team: 'b',
    [ORDER]: 'local,east',
  });
});

test('what a member says about the clusters rules, and goes when the member says it no more', () => {
  const both = federatedAnnotations({ [ORDER]: 'east,local' }, { [ORDER]: 'local,east', [WEIGHTS]: 'east=2' }, []);
  assert.deepEqual(both, { [ORDER]: 'east,local', [WEIGHTS]: 'east=2', [FROM]: ORDER });
  assert.deepEqual(federatedAnnotations({}, both, []), { [WEIGHTS]: 'east=2' });
});
