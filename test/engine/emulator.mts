export type { EmulatedTask, Rule, Seen, State } from '../../dev/emulator/client.mjs';
