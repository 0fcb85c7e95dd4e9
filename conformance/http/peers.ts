/** nginx and HAProxy as one plain hop each, beside Weft: default handling of requests, one worker, no logs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, SERVER_IP, SERVER_NS, start } from '../harness/pair/index.ts';
import { type Contender, FACES, type Version } from './faces.ts';

function ports(contender: Contender, version: Version): { listen: number; origin: number } {
  const face = FACES.find((each) => each.contender === contender && each.version === version);
  if (!face) throw new Error(`no face of ${contender} for ${version}`);
  return { listen: face.port, origin: face.originPort };
}

function nginxConf(folder: string): string {
  const server = (version: Version, listen: string) => {
    const { listen: port, origin } = ports('nginx', version);
    return `server { listen ${SERVER_IP}:${port}${listen}; location / { proxy_pass http://127.0.0.1:${origin};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off; } }`;
  };
  return `worker_processes 1; daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  ${server('http1', '')}
  ${server('http2', ' http2')}
}
`;
}

function haproxyConf(): string {
  const side = (version: Version, bind: string) => {
    const { listen, origin } = ports('HAProxy', version);
    return `frontend in_${version}
  bind ${SERVER_IP}:${listen}${bind}
  default_backend next_${version}
backend next_${version}
  server one 127.0.0.1:${origin}
`;
  };
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  option http-keep-alive
${side('http1', '')}${side('http2', ' proto h2')}`;
}

export function startPeers(folder: string): Running[] {
  mkdirSync(folder, { recursive: true });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return [
    start('nginx', SERVER_NS, ['nginx', '-c', file('nginx.conf', nginxConf(folder))]),
    start('HAProxy', SERVER_NS, ['haproxy', '-db', '-f', file('haproxy.cfg', haproxyConf())]),
  ];
}
