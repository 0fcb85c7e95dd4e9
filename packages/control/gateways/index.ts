/** What gateways for other clusters may reach, which each of them says in its tokens. */
export { exportedBy } from './exported.ts';
