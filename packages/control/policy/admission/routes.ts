/** Rules for routes. Routes of other controllers' parents pass, whatever they hold. */
import { parseGoDuration } from '#model/annotations';
import { Pattern, RegexError } from '#model/regex';
import { readFault, readRetry, readSplit, readTimeouts } from '../outbound/annotations.ts';
import { isRef, listOf, objectOf, type PolicyObject, type Ref, Refusal, type Rule, refOf } from './refusal.ts';

const POLICY = 'policy.linkerd.io';
type Fields = Readonly<Record<string, unknown>>;

type Warn = (message: string) => void;

/** How the kinds of routes differ. */
interface RouteKind {
  /** What parents belong to when they name no group. */
  defaultGroup: string;
  /** Filters that we do not know and durations that we cannot read are admitted: other controllers may. */
  lenient: boolean;
  /** Service backends must name a port when a parent is a Service or EgressNetwork. */
  needsBackendPort: boolean;
}

const POLICY_HTTP: RouteKind = { defaultGroup: POLICY, lenient: false, needsBackendPort: false };
const GATEWAY_ROUTE: RouteKind = { defaultGroup: 'gateway.networking.k8s.io', lenient: true, needsBackendPort: true };

export const checkPolicyHttpRoute: Rule = (object, warn) => checkHttpRoute(object, POLICY_HTTP, warn);
export const checkGatewayHttpRoute: Rule = (object, warn) => checkHttpRoute(object, GATEWAY_ROUTE, warn);

function checkHttpRoute(object: PolicyObject, kind: RouteKind, warn: Warn): void {
  const parents = ownParents(object.spec, kind);
  if (parents.length === 0) return;
  for (const rule of listOf(object.spec, 'rules')) {
    for (const match of listOf(rule, 'matches')) checkHttpMatch(match);
    checkTimeouts(objectOf(rule, 'timeouts'), kind);
    checkFiltersAndBackends(rule, parents, kind, warn);
  }
  checkAnnotations(object, parents);
}

export const checkGatewayGrpcRoute: Rule = (object, warn) => {
  const parents = ownParents(object.spec, GATEWAY_ROUTE);
  if (parents.length === 0) return;
  for (const rule of listOf(object.spec, 'rules')) {
    for (const match of listOf(rule, 'matches')) {
      if (objectOf(match, 'method')?.['type'] === 'RegularExpression')
        throw new Refusal('matches: method: regular expressions are not supported; use Exact');
      for (const header of listOf(match, 'headers')) checkValueMatch(header, 'headers');
    }
    checkFiltersAndBackends(rule, parents, GATEWAY_ROUTE, warn);
  }
  checkAnnotations(object, parents);
};

/** Of routes of bytes, TLS by SNI or TCP. */
export const checkStreamRoute: Rule = ({ spec }) => {
  if (ownParents(spec, GATEWAY_ROUTE).length === 0) return;
  const rules = listOf(spec, 'rules').length;
  if (rules !== 1) throw new Refusal(`rules: expected exactly one rule, got ${rules}`);
};

/** The parents that are ours: Servers, Services, EgressNetworks. The last need a port. */
function ownParents(spec: Fields, kind: RouteKind): Ref[] {
  const parents = listOf(spec, 'parentRefs').map((each) =>
    refOf({ group: kind.defaultGroup, kind: 'Gateway', ...each }),
  );
  const own = parents.filter((ref) => isRef(ref, POLICY, 'Server') || isOutbound(ref));
  for (const ref of own)
    if (isRef(ref, POLICY, 'EgressNetwork') && ref.port === undefined)
      throw new Refusal(`parentRefs: EgressNetwork ${ref.name} must be referred to with a port`);
  return own;
}

const isOutbound = (ref: Ref) => isRef(ref, '', 'Service') || isRef(ref, POLICY, 'EgressNetwork');

function checkHttpMatch(match: Fields): void {
  const path = objectOf(match, 'path');
  if (path) {
    const value = String(path['value'] ?? '/');
    const type = path['type'] ?? 'PathPrefix';
    if (type === 'RegularExpression') checkRegex(value, 'path');
    else if (!value.startsWith('/')) throw new Refusal(`matches: path: expected an absolute path, got "${value}"`);
  }
  for (const header of listOf(match, 'headers')) checkValueMatch(header, 'headers');
  for (const param of listOf(match, 'queryParams')) checkValueMatch(param, 'queryParams');
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function checkValueMatch(match: Fields, where: string): void {
  const name = String(match['name'] ?? '');
  const value = String(match['value'] ?? '');
  if (where === 'headers' && !TOKEN.test(name)) throw new Refusal(`matches: headers: "${name}" is no header name`);
  if (match['type'] === 'RegularExpression') checkRegex(value, where);
  else if (where === 'headers' && !isHeaderValue(value))
    throw new Refusal(`matches: headers: value of ${name} is no header value`);
}

const isHeaderValue = (value: string) => /^[\t\x20-\x7e\x80-\uffff]*$/.test(value);

/** As the proxy reads it. */
function checkRegex(text: string, where: string): void {
  try {
    new Pattern(text);
  } catch (error) {
    if (error instanceof RegexError) throw new Refusal(`matches: ${where}: ${error.message}`);
    throw error;
  }
}

function checkFiltersAndBackends(rule: Fields, parents: readonly Ref[], kind: RouteKind, warn: Warn): void {
  for (const filter of listOf(rule, 'filters')) {
    checkFilter(filter);
    checkFilterType(filter, kind, parents, (message) => warn(`filters: ${message}`));
  }
  for (const backend of listOf(rule, 'backendRefs'))
    for (const filter of listOf(backend, 'filters')) {
      checkFilter(filter);
      checkFilterType(filter, kind, parents, (message) => warn(`backendRefs: filters: ${message}`));
    }
  checkBackends(rule, parents, kind);
}

const EVERYWHERE = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect'];
/** Only Weft's proxies know these, and only on the way out. */
const OUTBOUND = ['URLRewrite', 'RequestMirror'];

function checkFilterType(filter: Fields, { lenient }: RouteKind, parents: readonly Ref[], warn: Warn): void {
  const type = String(filter['type'] ?? '');
  if (EVERYWHERE.includes(type)) return;
  if (OUTBOUND.includes(type)) {
    warn(`${type} is known to no other proxies than Weft's${parents.every(isOutbound) ? '' : ', and not on a Server'}`);
    return;
  }
  if (!lenient) throw new Refusal(`filters: expected one of ${[...EVERYWHERE, ...OUTBOUND].join(', ')}, got "${type}"`);
  warn(`${type} is not supported: what it belongs to is not used`);
}

function checkFilter(filter: Fields): void {
  for (const field of ['requestHeaderModifier', 'responseHeaderModifier']) {
    const modifier = objectOf(filter, field);
    if (!modifier) continue;
    for (const header of [...listOf(modifier, 'set'), ...listOf(modifier, 'add')]) {
      const name = String(header['name'] ?? '');
      if (!TOKEN.test(name)) throw new Refusal(`filters: "${name}" is no header name`);
      if (!isHeaderValue(String(header['value'] ?? '')))
        throw new Refusal(`filters: value of ${name} is no header value`);
    }
  }
  for (const change of ['requestRedirect', 'urlRewrite']) {
    const path = objectOf(objectOf(filter, change) ?? {}, 'path');
    for (const field of ['replaceFullPath', 'replacePrefixMatch']) {
      const value = path?.[field] ?? undefined;
      // A rewrite may take a prefix away.
      if (value === undefined || (value === '' && change === 'urlRewrite' && field === 'replacePrefixMatch')) continue;
      if (!String(value).startsWith('/'))
        throw new Refusal(`filters: ${field}: expected an absolute path, got "${value}"`);
    }
  }
}

function checkTimeouts(timeouts: Fields | undefined, kind: RouteKind): void {
  const ms = (field: string): number | undefined => {
    const text = timeouts?.[field];
    if (text === undefined) return undefined;
    const value = parseGoDuration(String(text));
    if (value === undefined && !kind.lenient)
      throw new Refusal(`timeouts: ${field}: expected a duration, got "${text}"`);
    if (value !== undefined && value < 0) throw new Refusal(`timeouts: ${field}: must not be negative`);
    return value;
  };
  const request = ms('request');
  const backend = ms('backendRequest');
  if (request !== undefined && backend !== undefined && request > 0 && backend > request)
    throw new Refusal('timeouts: backendRequest must not be longer than request');
}

function checkBackends(rule: Fields, parents: readonly Ref[], kind: RouteKind): void {
  if (!kind.needsBackendPort || !parents.some(isOutbound)) return;
  for (const ref of listOf(rule, 'backendRefs').map((each) => refOf({ kind: 'Service', ...each })))
    if (isRef(ref, '', 'Service') && ref.port === undefined)
      throw new Refusal(`backendRefs: Service ${ref.name} must be referred to with a port`);
}

/** Only outbound routes have these annotations. */
function checkAnnotations({ annotations }: PolicyObject, parents: readonly Ref[]): void {
  if (!parents.some(isOutbound)) return;
  const refuse = (message: string) => {
    throw new Refusal(message);
  };
  readTimeouts(annotations, refuse);
  readRetry(annotations, refuse);
  readFault(annotations, refuse);
  readSplit(annotations, refuse);
}
