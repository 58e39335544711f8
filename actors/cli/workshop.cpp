#include "actors/cli/workshop.h"

#include "actors/cli/run_config.h"
#include "actors/cli/run_setup.h"

namespace assay::cli {

Result<actors::Workshop> open_workshop(const std::string& config) {
  const Result<LoadedConfig> loaded = load_run_config_text(config, "the head's configuration");
  if (!loaded) return loaded.error();
  Result<RunSetup> setup = make_setup_without_data(*loaded);
  if (!setup) return setup.error();
  actors::Workshop shop;
  shop.run_seed = setup->config.seed;
  shop.group_size = setup->config.curator.group_size;
  shop.is_deterministic = setup->config.is_deterministic;
  shop.staleness_max = setup->config.curator.max_off_policy_steps;
  shop.backend = setup->backend;
  shop.model = setup->model;
  shop.generator = {setup->config.generator.max_sequences,
                    setup->config.generator.cache_bytes.bytes};
  shop.sampling = setup->config.generator.sampling;
  shop.tokenizer = setup->tokenizer;
  shop.verifiers = setup->verifiers;
  return shop;
}

}  // namespace assay::cli
