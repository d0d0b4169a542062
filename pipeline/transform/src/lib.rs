//! DataFusion: tables over the warehouse, JSON functions, model graph, materialization, checks.
