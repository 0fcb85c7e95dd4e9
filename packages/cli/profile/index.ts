/** ServiceProfiles made of something else: an OpenAPI document, a protobuf file, a template to fill in. Pure functions of texts. */
export { profileFromOpenApi } from './open-api.ts';
export { type ProfileName, type ProfileRoute, profileObject } from './profile.ts';
export { profileFromProto } from './proto.ts';
export { profileTemplate } from './template.ts';
