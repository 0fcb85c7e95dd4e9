import { decodeIp, type tap } from '#api/mesh';
import { GrpcError } from '#runtime/grpc';
import { Cidr } from '../discover/index.ts';
import { methodName, pathOf, schemeName, schemeOf } from './http.ts';
import { bytesOf, type Peer, type Subject } from './subject.ts';

/** Whether a request is wanted. */
export type Matcher = (subject: Subject) => boolean;

/** Conditions in one Observe call; each request is held against all of them. */
const CONDITIONS_MAX = 256;
const PORT_MAX = 65_535;

/** Reads the condition of an Observe call; throws INVALID_ARGUMENT where a part says nothing. */
export function compileMatch(match: tap.ObserveRequest_Match | undefined): Matcher {
  let conditions = 0;
  const compile = (one: tap.ObserveRequest_Match | undefined): Matcher => {
    if (++conditions > CONDITIONS_MAX) throw invalid(`more than ${CONDITIONS_MAX} conditions`);
    const kind = one?.match;
    switch (kind?.case) {
      case 'all': {
        const parts = kind.value.matches.map(compile);
        return (subject) => parts.every((part) => part(subject));
      }
      case 'any': {
        const parts = kind.value.matches.map(compile);
        return (subject) => parts.some((part) => part(subject));
      }
      case 'not': {
        const part = compile(kind.value);
        return (subject) => !part(subject);
      }
      case 'source': {
        const matches = compileTcp(kind.value);
        return ({ source }) => matches(source);
      }
      case 'destination': {
        const matches = compileTcp(kind.value);
        return ({ destination }) => matches(destination);
      }
      case 'http':
        return compileHttp(kind.value);
      case 'destinationLabel': {
        const { key, value } = kind.value;
        return ({ destination }) => destination.labels[key] === value;
      }
      case 'routeLabel': {
        const { key, value } = kind.value;
        return ({ routeLabels }) => routeLabels[key] === value;
      }
      default:
        throw invalid('a match without a condition');
    }
  };
  return compile(match);
}

function compileTcp({ match }: tap.ObserveRequest_Match_Tcp): (peer: Peer) => boolean {
  if (match.case === 'netmask') {
    const ip = decodeIp(match.value.ip);
    const network = ip === undefined ? undefined : Cidr.of({ ip, prefix: match.value.mask });
    if (!network || match.value.mask > (ip?.includes(':') ? 128 : 32)) throw invalid('a netmask without a network');
    return (peer) => {
      const bytes = bytesOf(peer);
      return bytes !== undefined && network.contains(bytes);
    };
  }
  if (match.case !== 'ports') throw invalid('a TCP match without netmask and ports');
  // A bound of 0 equals the other one.
  const min = match.value.min || match.value.max;
  const max = match.value.max || match.value.min;
  if (min === 0 || min > max || max > PORT_MAX) throw invalid('a range of ports that holds none');
  return ({ port }) => port >= min && port <= max;
}

function compileHttp({ match }: tap.ObserveRequest_Match_Http): Matcher {
  switch (match.case) {
    case 'scheme': {
      const name = schemeName(match.value);
      if (name === undefined) throw invalid('a scheme without a name');
      return ({ request }) => schemeOf(request) === name;
    }
    case 'method': {
      const name = methodName(match.value);
      if (name === undefined) throw invalid('a method without a name');
      return ({ request }) => request.method === name;
    }
    case 'authority': {
      const matches = compileText(match.value);
      return ({ request }) => matches(request.authority);
    }
    case 'path': {
      const matches = compileText(match.value);
      return ({ request }) => matches(pathOf(request));
    }
    default:
      throw invalid('an HTTP match without a condition');
  }
}

function compileText({ match }: tap.ObserveRequest_Match_Http_StringMatch): (text: string) => boolean {
  if (match.case === undefined) throw invalid('a text match without a text');
  const { value } = match;
  return match.case === 'exact' ? (text) => text === value : (text) => text.startsWith(value);
}

const invalid = (what: string): GrpcError => new GrpcError('INVALID_ARGUMENT', what);
