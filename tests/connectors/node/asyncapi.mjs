// The official parser reads the AsyncAPI document named on the command line; what it says goes to standard output.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const errors = diagnostics.filter(({ severity }) => severity === 0);
const channels = document ? document.channels().all().map((channel) => channel.address()) : [];
console.log(JSON.stringify({ errors: errors.map(({ path, message }) => `${path.join('.')}: ${message}`), channels }));
