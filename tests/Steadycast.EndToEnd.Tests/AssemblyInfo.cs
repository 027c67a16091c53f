// Real programs in real time on as little as two cores: one test at a time, or they disturb each other's clocks.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
