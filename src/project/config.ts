import { fields, z } from '../base/schema.ts';

/** plumbline.yaml: what is true of this repository on every machine. */
export const projectConfigSchema = fields({
  version: z.literal(1).describe('version of this format'),
  remote: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where the store keeps bytes for everybody: a folder (absolute, or relative to the project), s3://bucket/prefix, oci://registry/owner/name, or https:// to read',
    ),
  untrusted: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where runs of forks are kept, apart from the remote; default: the address of the remote with -untrusted behind it, of S3 untrusted/ below its prefix',
    ),
  repository: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected letters, digits, ".", "_" and "-", at most 100')
    .optional()
    .describe('name of this repository in a remote that several share: a gc of the remote lets go of nothing that another repository pushed'),
  cache: fields({
    link: z
      .enum(['reflink', 'hardlink', 'copy'])
      .optional()
      .describe('how folders of files come out of the cache; default: the best that works, see `plumb doctor`'),
  })
    .prefault({})
    .describe('the cache on this machine'),
  forge: fields({
    kind: z.enum(['github', 'gitea']).describe('Forgejo speaks as Gitea does'),
    api: z
      .url()
      .optional()
      .describe(
        'address of its API, where it is not the usual one; at the server of origin: elsewhere it has to be said on the machine, by PLUMB_FORGE_API',
      ),
  })
    .optional()
    .describe('the forge that origin is on, where its address does not tell: github.com does'),
  main: z.string().min(1).default('main').describe('the branch whose pointers are served and whose policy judges'),
  serve: fields({
    host: z.string().default('127.0.0.1').describe('address that `plumb serve` listens on'),
    hosts: z
      .array(z.string().min(1))
      .default([])
      .describe('names, besides localhost, under which requests reach the loopback: those that a proxy on this machine passes on in the header Host'),
    port: z.number().int().min(0).max(65_535).default(8080).describe('port; 0 takes a free one'),
    stage: z.enum(['staging', 'production']).default('production').describe('the stage whose pointers are served'),
  })
    .prefault({})
    .describe('how `plumb serve` serves'),
}).describe('plumbline.yaml: the project');

export type ProjectConfig = z.infer<typeof projectConfigSchema>;
