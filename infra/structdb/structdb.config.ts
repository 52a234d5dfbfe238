// The configuration of structdb in the containers of infra/compose.yaml. All keys: docs/configuration.md.
const archive = {
  type: 's3',
  bucket: 'structdb',
  endpoint: process.env.S3_ENDPOINT,
  accessKeyId: process.env.S3_ACCESS_KEY,
  secretAccessKey: process.env.S3_SECRET_KEY,
};

export default {
  stores: { archive },
  backup: {
    daily: { kind: 'dump', store: 'archive', keep: '30 days', at: '02:00' },
    weekly: { kind: 'base', store: 'archive', keep: '12 weeks' },
    monthly: { kind: 'base', store: 'archive', keep: '12 months' },
    wal: { store: 'archive', recoveryWindow: '7 days' },
  },
  objectives: { rto: '15 minutes', rpo: '5 minutes' },
};
