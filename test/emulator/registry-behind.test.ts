import { startMemoryRegistry } from './memory-registry.ts';
import { describeRegistryBehind } from './registry-behind.ts';

describeRegistryBehind('a registry in memory', startMemoryRegistry);
